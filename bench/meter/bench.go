// What client_golang costs: the counterpart of bench.c, with the same names.
package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

const (
	operations = 200000
	slices     = 15
	values     = 1024
	series     = 10000
	manySeries = 100000
	tableWords = 32768
	workReads  = 32
	lineWords  = 8
	maxThreads = 2
)

// CPU time in nanoseconds, as in bench.c.
func cpu(clock uintptr) float64 {
	var now syscall.Timespec
	if _, _, err := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&now)), 0); err != 0 {
		panic(err)
	}
	return float64(now.Nano())
}

const (
	process = 2 // CLOCK_PROCESS_CPUTIME_ID
	thread  = 3 // CLOCK_THREAD_CPUTIME_ID
)

var table [tableWords]uint64

func work(x uint64, i int) uint64 {
	from := table[i*workReads*lineWords%tableWords:]
	from = from[:workReads*lineWords]
	for read := 0; read < len(from); read += lineWords {
		x += from[read]
	}
	return x
}

func median(of []float64) float64 {
	sort.Float64s(of)
	return of[len(of)/2]
}

type operation struct {
	name    string
	without string // what is subtracted
	once    func(i int, x uint64) uint64
}

var sink [maxThreads]uint64

// A barrier that all threads leave together, spinning: parked goroutines would leave their threads.
type barrier struct{ arrived, threads int64 }

func (b *barrier) wait(turn int64) {
	atomic.AddInt64(&b.arrived, 1)
	for atomic.LoadInt64(&b.arrived) < turn*b.threads {
	}
}

// Nanoseconds of each operation: the mean over the goroutines, each on a thread of its own, of the
// medians of their slices.
func measure(threads int, all []operation) map[string]float64 {
	var done sync.WaitGroup
	start := barrier{threads: int64(threads)}
	spent := make([]map[string][]float64, threads)
	for t := 0; t < threads; t++ {
		done.Add(1)
		spent[t] = map[string][]float64{}
		go func(t int) {
			runtime.LockOSThread()
			defer done.Done()
			x, turn := uint64(1), int64(0)
			for slice := 0; slice < slices; slice++ {
				for _, one := range all {
					turn++
					start.wait(turn)
					begin := cpu(thread)
					for i := 0; i < operations; i++ {
						x = one.once(i, x)
					}
					spent[t][one.name] = append(spent[t][one.name], (cpu(thread)-begin)/operations)
				}
			}
			sink[t] = x
		}(t)
	}
	done.Wait()
	total := map[string]float64{}
	for _, of := range spent {
		for name, ns := range of {
			total[name] += median(ns) / float64(threads)
		}
	}
	return total
}

func measureUpdates() {
	var observed [values]float64
	for i := range observed {
		observed[i] = 0.0005 * float64(1+uint32(i)*2654435761%4000)
	}
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests_total"}, []string{"method", "path"})
	counter := requests.WithLabelValues("GET", "200")
	latencies := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "classic", Buckets: prometheus.ExponentialBuckets(0.001, 2, 15)}, []string{"method", "code"})
	classic := latencies.WithLabelValues("GET", "200")
	native := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "native", NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160})
	all := []operation{
		{"loop_alone", "", func(i int, x uint64) uint64 { return x }},
		{"work_alone", "", func(i int, x uint64) uint64 { return work(x, i) }},
		{"counter_inc", "loop_alone", func(i int, x uint64) uint64 { counter.Inc(); return x }},
		{"counter_inc_with_work", "work_alone", func(i int, x uint64) uint64 { counter.Inc(); return work(x, i) }},
		{"counter_inc_looked_up", "loop_alone", func(i int, x uint64) uint64 { requests.WithLabelValues("GET", "200").Inc(); return x }},
		{"classic_observe", "loop_alone", func(i int, x uint64) uint64 { classic.Observe(observed[i%values]); return x }},
		{"classic_observe_with_work", "work_alone", func(i int, x uint64) uint64 { classic.Observe(observed[i%values]); return work(x, i) }},
		{"classic_observe_looked_up", "loop_alone", func(i int, x uint64) uint64 {
			latencies.WithLabelValues("GET", "200").Observe(observed[i%values])
			return x
		}},
		{"native_observe", "loop_alone", func(i int, x uint64) uint64 { native.Observe(observed[i%values]); return x }},
		{"native_observe_with_work", "work_alone", func(i int, x uint64) uint64 { native.Observe(observed[i%values]); return work(x, i) }},
	}
	for threads := 1; threads <= maxThreads; threads++ {
		ns := measure(threads, all)
		for _, one := range all {
			fmt.Printf("%s %d %.2f\n", one.name, threads, ns[one.name]-ns[one.without])
		}
	}
}

func fill(count int) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests."}, []string{"method", "path"})
	registry.MustRegister(requests)
	for i := 0; i < count; i++ {
		requests.WithLabelValues("GET", "/path/"+strconv.Itoa(i)).Add(float64(i * 7919))
	}
	return registry
}

func measureScrapes() {
	registry := fill(series)
	formats := []struct {
		name   string
		format expfmt.Format
	}{
		{"scrape_text", expfmt.FmtText}, {"scrape_openmetrics", expfmt.FmtOpenMetrics}, {"scrape_protobuf", expfmt.FmtProtoDelim},
	}
	var page bytes.Buffer
	for _, one := range formats {
		ns := []float64{}
		for round := 0; round <= slices; round++ {
			page.Reset()
			begin := cpu(process) // Gather works in goroutines
			gathered, err := registry.Gather()
			if err != nil {
				panic(err)
			}
			encoder := expfmt.NewEncoder(&page, one.format)
			for _, family := range gathered {
				if err := encoder.Encode(family); err != nil {
					panic(err)
				}
			}
			ns = append(ns, cpu(process)-begin)
		}
		fmt.Printf("%s 1 %.0f\n", one.name, median(ns[1:]))
	}
}

func measureMemory() {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	registry := fill(manySeries)
	runtime.GC()
	runtime.ReadMemStats(&after)
	fmt.Printf("memory_bytes 2 %d\n", after.HeapInuse-before.HeapInuse)
	runtime.KeepAlive(registry)
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "memory" {
		measureMemory()
		return
	}
	measureUpdates()
	measureScrapes()
}
