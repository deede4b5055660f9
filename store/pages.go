package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
)

// The format of a bolt file: pages of one size, each with a header. Numbers are in the
// machine's own order. The first two pages say, in turn, where the tree of the last
// transaction begins.
const (
	pageHeader  = 16 // id uint64, flags uint16, count uint16, overflow uint32 (further pages that belong to it)
	pageElement = 16 // of a branch: pos, ksize uint32, page uint64; of a leaf: flags, pos, ksize, vsize uint32
	metaSize    = 64 // magic, version, page size, flags uint32, then uint64: see the offsets below

	branchPage = 0x1
	leafPage   = 0x2
	freePage   = 0x10

	noFreePage = ^uint64(0) // etcd keeps no list of free pages; other programs may leave one

	// Offsets in a meta.
	metaRoot        = 16
	metaFree        = 32
	metaEnd         = 40
	metaTransaction = 48
	metaChecksum    = 56

	bucketElement = 1  // flag of a leaf's element: the value is a bucket
	bucketHeader  = 16 // root, sequence uint64; a root of 0 means that a page follows in the value itself

	metaMagic   = 0xED0CDAED
	metaVersion = 2

	// maxDepth is far more than any tree that fits a disk has.
	maxDepth = 64
)

var order = binary.NativeEndian

// pageFile is a bolt file. Nothing that it holds is relied on without a check.
type pageFile struct {
	file *os.File
	size int64  // of a page
	root uint64 // the page of the outermost bucket
	free uint64 // the page of the list of free pages, or noFreePage
	end  uint64 // the first page id that is not in use
	seen map[uint64]bool
}

// openPages finds the newest of the file's two beginnings that is sound.
func openPages(f *os.File, fileSize int64) (*pageFile, error) {
	size, err := pageSize(f)
	if err != nil {
		return nil, err
	}
	var newest []byte
	for _, page := range []int64{0, 1} {
		meta, err := readMeta(f, page*size)
		if err != nil {
			return nil, err
		}
		if meta != nil && (newest == nil || order.Uint64(meta[metaTransaction:]) > order.Uint64(newest[metaTransaction:])) {
			newest = meta
		}
	}
	if newest == nil {
		return nil, &pageError{0, "it does not begin as a database does"}
	}
	p := &pageFile{
		file: f,
		size: size,
		root: order.Uint64(newest[metaRoot:]),
		free: order.Uint64(newest[metaFree:]),
		end:  order.Uint64(newest[metaEnd:]),
		seen: map[uint64]bool{0: true, 1: true},
	}
	if have := uint64(fileSize / size); p.end > have {
		return nil, &pageError{have, fmt.Sprintf("it is missing, as are all to page %d", p.end)}
	}
	return p, nil
}

// pageSize finds the size of the file's pages, which is in both of its beginnings. Where the
// second one stands depends on the size.
func pageSize(f *os.File) (int64, error) {
	for _, at := range []int64{0, 1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10} {
		meta, err := readMeta(f, at)
		if err != nil {
			return 0, err
		}
		if meta == nil {
			continue
		}
		if size := int64(order.Uint32(meta[8:])); size >= 1<<10 && size <= 64<<10 && (at == 0 || at == size) {
			return size, nil
		}
	}
	return 0, &pageError{0, "it does not begin as a database does"}
}

// readMeta returns the beginning at an offset, or nil if there is none that is whole.
func readMeta(f *os.File, at int64) ([]byte, error) {
	b := make([]byte, pageHeader+metaSize)
	if n, err := f.ReadAt(b, at); n < len(b) {
		return nil, unlessEnd(err)
	}
	meta := b[pageHeader:]
	sum := fnv.New64a()
	sum.Write(meta[:metaChecksum])
	if order.Uint32(meta) != metaMagic || order.Uint32(meta[4:]) != metaVersion || order.Uint64(meta[metaChecksum:]) != sum.Sum64() {
		return nil, nil
	}
	return meta, nil
}

// read returns a page with all that belongs to it. Each page may be read once: a tree has one way to each.
func (p *pageFile) read(id uint64) ([]byte, error) {
	page, err := p.readAt(id, 1)
	if err != nil {
		return nil, err
	}
	if got := order.Uint64(page); got != id {
		return nil, &pageError{id, fmt.Sprintf("it says that it is page %d", got)}
	}
	if overflow := order.Uint32(page[12:]); overflow > 0 {
		page, err = p.readAt(id, 1+uint64(overflow))
		if err != nil {
			return nil, err
		}
	}
	for i := id; i < id+uint64(len(page))/uint64(p.size); i++ {
		if p.seen[i] {
			return nil, &pageError{i, "it is in two places"}
		}
		p.seen[i] = true
	}
	return page, nil
}

func (p *pageFile) readAt(id, n uint64) ([]byte, error) {
	if id >= p.end || n > p.end-id {
		return nil, &pageError{id, fmt.Sprintf("it is beyond the last page, %d", p.end)}
	}
	b := make([]byte, int64(n)*p.size)
	if m, err := p.file.ReadAt(b, int64(id)*p.size); m < len(b) {
		if err := unlessEnd(err); err != nil {
			return nil, err
		}
		return nil, &pageError{id, "it is cut short"}
	}
	return b, nil
}

// checkFree checks the list of free pages, if there is one. The pages of the tree have been read.
func (p *pageFile) checkFree() error {
	if p.free == noFreePage {
		return nil
	}
	page, err := p.read(p.free)
	if err != nil {
		return err
	}
	list, count := page[pageHeader:], uint64(order.Uint16(page[10:]))
	if count == 0xffff { // then it is too many for the header
		count, list = order.Uint64(list), list[8:]
	}
	if order.Uint16(page[8:]) != freePage || count > uint64(len(list)/8) {
		return &pageError{p.free, "it is no list of free pages"}
	}
	for i := range count {
		if id := order.Uint64(list[8*i:]); id >= p.end || p.seen[id] {
			return &pageError{p.free, fmt.Sprintf("it says that page %d is free", id)}
		}
	}
	return nil
}

// span is a range of keys: from min on, and below max. Nil is no bound.
type span struct{ min, max []byte }

func (s span) holds(key []byte) bool {
	return (s.min == nil || bytes.Compare(key, s.min) >= 0) && (s.max == nil || bytes.Compare(key, s.max) < 0)
}

// element is an entry of a page: of a branch with the page below, of a leaf with the value.
type element struct {
	key    []byte
	below  uint64
	value  []byte
	bucket bool
}

// elements takes a page apart. Its keys must be in order and in bounds.
func elements(id uint64, page []byte, bounds span) (kind uint16, all []element, err error) {
	kind = order.Uint16(page[8:])
	count := int(order.Uint16(page[10:]))
	if kind != branchPage && kind != leafPage {
		return 0, nil, &pageError{id, fmt.Sprintf("its kind is %#x", kind)}
	}
	if pageHeader+count*pageElement > len(page) {
		return 0, nil, &pageError{id, fmt.Sprintf("it has no room for %d elements", count)}
	}
	all = make([]element, count)
	for i := range all {
		at := pageHeader + i*pageElement
		e, ok := parseElement(kind, page[at:])
		if !ok {
			return 0, nil, &pageError{id, fmt.Sprintf("element %d reaches beyond it", i)}
		}
		if !bounds.holds(e.key) || i > 0 && bytes.Compare(all[i-1].key, e.key) >= 0 {
			return 0, nil, &pageError{id, fmt.Sprintf("the key of element %d is out of order", i)}
		}
		all[i] = e
	}
	return kind, all, nil
}

// parseElement reads the element that b begins with. What it refers to follows in b.
func parseElement(kind uint16, b []byte) (element, bool) {
	var e element
	var pos, keySize, valueSize uint64
	if kind == branchPage {
		pos, keySize = uint64(order.Uint32(b)), uint64(order.Uint32(b[4:]))
		e.below = order.Uint64(b[8:])
	} else {
		e.bucket = order.Uint32(b)&bucketElement != 0
		pos, keySize, valueSize = uint64(order.Uint32(b[4:])), uint64(order.Uint32(b[8:])), uint64(order.Uint32(b[12:]))
	}
	if pos+keySize+valueSize > uint64(len(b)) {
		return element{}, false
	}
	e.key, e.value = b[pos:pos+keySize], b[pos+keySize:pos+keySize+valueSize]
	return e, true
}
