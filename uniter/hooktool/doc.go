// Package hooktool is what the hook tools do, inside the agent, and the unix socket
// that they are served on. The programs that a charm starts are in package client.
//
// A Server answers calls for the hooks that are activated on it. A Context is one
// hook's side of them: it reads the model through one consistent view, keeps what the
// hook changes, and gives it away as one model.Flush when the hook has ended well.
//
// What is promised:
//
//   - A hook reads what it wrote: its unit's settings, its application's settings, ports,
//     statuses.
//   - Nothing that is buffered leaves the Context other than by Flush. Statuses, the workload
//     version and log lines act at once, and stay if the hook fails.
//   - Permission is checked at the call, and what needs leadership carries the comparisons
//     that make its write fail if leadership has moved on since.
//   - The calls of one hook take effect one at a time; after its deactivation none does.
//   - Whatever bytes arrive on the socket, they cost their own connection at most.
//
// What is not promised: that a caller is a hook's process. Whoever may open the socket
// and knows the context id may call; the socket's mode is what keeps others out.
//
// A family of tools is a file here, a file of help texts in package client, and a line
// in each one's table.
package hooktool
