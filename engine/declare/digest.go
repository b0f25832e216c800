package declare

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Digest names what a part of the declaration says, without where it says it: two documents
// that differ only in files, lines and columns have the same digest.
func Digest(v any) string {
	h := sha256.New()
	digest(h, reflect.ValueOf(v))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func digest(h hash.Hash, v reflect.Value) {
	put := func(b []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	switch v.Kind() {
	case reflect.Invalid:
		put([]byte("nil"))
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			put([]byte("nil"))
			return
		}
		digest(h, v.Elem())
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			put([]byte(t.UTC().Format(time.RFC3339Nano)))
			return
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() || f.Type == reflect.TypeFor[At]() || f.Name == "File" && f.Type.Kind() == reflect.String {
				continue
			}
			put([]byte(f.Name))
			digest(h, v.Field(i))
		}
	case reflect.Slice, reflect.Array:
		put([]byte{byte(v.Kind())})
		binary.Write(h, binary.BigEndian, int64(v.Len()))
		for i := range v.Len() {
			digest(h, v.Index(i))
		}
	case reflect.Map:
		binary.Write(h, binary.BigEndian, int64(v.Len()))
		for _, k := range mapKeys(v) {
			put([]byte(k.String()))
			digest(h, v.MapIndex(k))
		}
	case reflect.String:
		put([]byte(v.String()))
	case reflect.Bool:
		binary.Write(h, binary.BigEndian, v.Bool())
	case reflect.Float64:
		binary.Write(h, binary.BigEndian, v.Float())
	default:
		binary.Write(h, binary.BigEndian, v.Int())
	}
}

func mapKeys(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	return keys
}
