package store

import (
	"errors"
	"fmt"
	"io"
)

// visitor is called with each key and value, and the name of the bucket they are in.
type visitor func(bucket, key, value []byte)

// walk visits all that is in the file.
func (p *pageFile) walk(visit visitor) error {
	return p.walkPage(p.root, nil, span{}, 0, visit)
}

func (p *pageFile) walkPage(id uint64, bucket []byte, bounds span, depth int, visit visitor) error {
	if depth > maxDepth {
		return &pageError{id, "it is too far from the root"}
	}
	page, err := p.read(id)
	if err != nil {
		return err
	}
	kind, all, err := elements(id, page, bounds)
	if err != nil {
		return err
	}
	if kind == leafPage {
		return p.walkLeaf(id, bucket, all, depth, visit)
	}
	for i, e := range all {
		below := span{e.key, bounds.max}
		if i+1 < len(all) {
			below.max = all[i+1].key
		}
		if err := p.walkPage(e.below, bucket, below, depth+1, visit); err != nil {
			return err
		}
	}
	return nil
}

func (p *pageFile) walkLeaf(id uint64, bucket []byte, all []element, depth int, visit visitor) error {
	for _, e := range all {
		if !e.bucket && bucket == nil {
			return &pageError{id, fmt.Sprintf("key %q is in no bucket", e.key)}
		}
		if !e.bucket {
			visit(bucket, e.key, e.value)
			continue
		}
		if len(e.value) < bucketHeader {
			return &pageError{id, fmt.Sprintf("bucket %q is cut short", e.key)}
		}
		var err error
		if root := order.Uint64(e.value); root != 0 {
			err = p.walkPage(root, e.key, span{}, depth+1, visit)
		} else {
			err = p.walkInline(id, e.key, e.value[bucketHeader:], depth, visit)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// walkInline visits a bucket that is small enough to stand within the page of the one that it is in.
func (p *pageFile) walkInline(id uint64, bucket, page []byte, depth int, visit visitor) error {
	if depth > maxDepth {
		return &pageError{id, fmt.Sprintf("bucket %q is too deep", bucket)}
	}
	if len(page) < pageHeader || order.Uint64(page) != 0 {
		return &pageError{id, fmt.Sprintf("bucket %q does not begin as one", bucket)}
	}
	kind, all, err := elements(id, page, span{})
	if err != nil {
		return err
	}
	if kind != leafPage {
		return &pageError{id, fmt.Sprintf("bucket %q is not a leaf", bucket)}
	}
	return p.walkLeaf(id, bucket, all, depth+1, visit)
}

// unlessEnd returns err unless it says only that the file ends.
func unlessEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
