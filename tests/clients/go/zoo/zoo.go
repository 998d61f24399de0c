// Package zoo is what the Go programs share: steps with their time, the
// records and their check.
package zoo

import (
	"fmt"
	"maps"
	"os"
	"reflect"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	keys     = 50
	patience = 60 * time.Second
)

// Bootstrap is the broker's address.
var Bootstrap = os.Getenv("BOOTSTRAP")

// Name is a name that no other run has.
func Name(what string) string { return os.Getenv("RUN") + "-" + what }

// Key, Value and Header are those of record i.
func Key(i int) []byte    { return []byte(fmt.Sprintf("k%d", i%keys)) }
func Value(i int) []byte  { return []byte(fmt.Sprintf("value %d", i)) }
func Header(i int) []byte { return []byte(strconv.Itoa(i)) }

// Range is from, from+1, … to-1.
func Range(from, to int) []int {
	numbers := make([]int, 0, to-from)
	for i := from; i < to; i++ {
		numbers = append(numbers, i)
	}
	return numbers
}

// Values are the values of those records, as text.
func Values(from, to int) []string {
	var values []string
	for _, i := range Range(from, to) {
		values = append(values, string(Value(i)))
	}
	return values
}

// Step prints `step NAME SECONDS`, which run.sh reads; an error (here a panic)
// ends the program.
func Step(name string, body func()) {
	start := time.Now()
	defer func() {
		if failure := recover(); failure != nil {
			fmt.Printf("step %s FAILED after %.1f s\n", name, time.Since(start).Seconds())
			fmt.Fprintf(os.Stderr, "%v\n%s", failure, debug.Stack())
			os.Exit(1)
		}
	}()
	body()
	fmt.Printf("step %s %.1f\n", name, time.Since(start).Seconds())
}

// Ok ends the step if there is an error.
func Ok(err error) {
	if err != nil {
		panic(err)
	}
}

// Must gives the value, or ends the step.
func Must[T any](value T, err error) T {
	Ok(err)
	return value
}

// Equal ends the step when the two differ.
func Equal(found, wanted any, what string) {
	if !reflect.DeepEqual(found, wanted) {
		panic(fmt.Sprintf("%s: %.2000s instead of %.2000s", what, fmt.Sprintf("%v", found), fmt.Sprintf("%v", wanted)))
	}
}

// Wait ends the step when the condition does not become true in time.
func Wait(what string, condition func() bool) {
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			panic(fmt.Sprintf("not within %v: %s", patience, what))
		}
	}
}

// Shares calls body with each codec and its share of the numbers.
func Shares[C any](numbers []int, codecs []C, body func(codec C, share []int)) {
	size := len(numbers) / len(codecs)
	for n, codec := range codecs {
		body(codec, numbers[n*size:(n+1)*size])
	}
}

// Record is what a consumer saw of one.
type Record struct{ Key, Value, Header string }

// Check ends the step unless the records are exactly those, in order for each key.
func Check(records []Record, numbers []int) {
	last, wanted := map[string]int{}, map[int]int{}
	for _, i := range numbers {
		wanted[i]++
	}
	for _, r := range records {
		i, err := strconv.Atoi(strings.TrimPrefix(r.Value, "value "))
		Ok(err)
		wanted[i]--
		Equal(r, Record{string(Key(i)), string(Value(i)), string(Header(i))}, "the record")
		if before, some := last[r.Key]; some && before > i {
			panic(fmt.Sprintf("%s has record %d after %d", r.Key, i, before))
		}
		last[r.Key] = i
	}
	maps.DeleteFunc(wanted, func(_, n int) bool { return n == 0 })
	Equal(wanted, map[int]int{}, "records that are missing (1), or once too many (-1)")
}

// Member is one of a group. Its client calls the methods; Stop ends it.
type Member struct {
	mutex    sync.Mutex
	records  []Record
	assigned []int32
	Stop     func()
}

// Committed adds records whose offsets are committed.
func (m *Member) Committed(records ...Record) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.records = append(m.records, records...)
}

// Assign says what the member has now.
func (m *Member) Assign(partitions []int32) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.assigned = slices.Clone(partitions)
}

// Update changes what the member has.
func (m *Member) Update(change func([]int32) []int32) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.assigned = change(m.assigned)
}

func (m *Member) state() ([]Record, []int32) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return slices.Clone(m.records), slices.Clone(m.assigned)
}

func (m *Member) forget() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.records = nil
}

func all(members []*Member) (records []Record) {
	for _, m := range members {
		r, _ := m.state()
		records = append(records, r...)
	}
	return records
}

// Every member has something, and each partition one owner.
func sharedOut(members []*Member) bool {
	var owned []int32
	for _, m := range members {
		_, assigned := m.state()
		if len(assigned) == 0 {
			return false
		}
		owned = append(owned, assigned...)
	}
	slices.Sort(owned)
	return slices.Equal(owned, []int32{0, 1, 2})
}

// GroupOfThree has two members, a third that joins, one that leaves, and a new
// one that resumes from the commit. `look` is called while two are there.
// 1500 records are written in the end.
func GroupOfThree(start func() *Member, produce func(numbers []int), look func()) {
	members := []*Member{start(), start()}
	read := func(numbers []int) {
		for _, m := range members {
			m.forget()
		}
		produce(numbers)
		Wait(fmt.Sprintf("%d records", len(numbers)), func() bool { return len(all(members)) >= len(numbers) })
		Check(all(members), numbers)
	}
	Wait("two members share the topic", func() bool { return sharedOut(members) })
	read(Range(0, 1000))
	members = append(members, start())
	Wait("three members share the topic", func() bool { return sharedOut(members) })
	read(Range(1000, 1300))
	members[0].Stop()
	members = members[1:]
	Wait("the two that stay share the topic", func() bool { return sharedOut(members) })
	read(Range(1300, 1400))
	look()
	for _, m := range members {
		m.Stop()
	}
	produce(Range(1400, 1500))
	last := start()
	Wait("100 records", func() bool { return len(all([]*Member{last})) >= 100 })
	Check(all([]*Member{last}), Range(1400, 1500))
	last.Stop()
}
