// Package model holds the shared model in etcd: machines, applications, units, relations, the settings that
// units and applications show each other, and the statuses that they report. It is the only package that
// knows the keys and the form of the values.
//
// What is promised:
//
//   - Every command and every write is one transaction: it happens whole or not at all, and it holds only if
//     what it was decided on still holds. A command that met another one is tried again, a bounded number of times.
//   - Unit numbers, relation ids and machine ids are never used twice in the life of a model.
//   - A watcher delivers the present state first and then what became of it. After a lost connection, a
//     compaction or a restart of the store it reads again and delivers the difference: no final value is missed,
//     nothing is delivered twice. States in between may be skipped.
//   - A value is written back with every member that this program does not know.
//
// What is not promised: that a watcher shows a change at once, or that two watchers show two changes in the
// order in which they were made; that a claim's holder is alone in running hooks (its writes are fenced, what
// its hooks do outside of the store is not).
package model
