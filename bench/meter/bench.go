// What client_golang costs: the counterpart of bench.c, with the same names.
package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

const (
	operations = 2000000
	values     = 1024
	series     = 10000
	manySeries = 100000
	workSteps  = 16
	rounds     = 10
)

// CPU time of the thread in nanoseconds, as in bench.c.
func now() float64 {
	var usage syscall.Rusage
	const thread = 1
	if err := syscall.Getrusage(thread, &usage); err != nil {
		panic(err)
	}
	return float64(usage.Utime.Nano() + usage.Stime.Nano())
}

func work(x uint64) uint64 {
	for i := 0; i < workSteps; i++ {
		x = x*6364136223846793005 + 1442695040888963407
	}
	return x
}

var sink [2]uint64

// The mean over the goroutines, each on a thread of its own.
func measure(threads int, once func(i int, x uint64) uint64) float64 {
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	spent := make([]float64, threads)
	for t := 0; t < threads; t++ {
		ready.Add(1)
		done.Add(1)
		go func(t int) {
			runtime.LockOSThread()
			defer done.Done()
			ready.Done()
			<-begin
			x := uint64(1)
			start := now()
			for i := 0; i < operations; i++ {
				x = once(i, x)
			}
			spent[t] = (now() - start) / operations
			sink[t] = x
		}(t)
	}
	ready.Wait()
	close(begin)
	done.Wait()
	total := 0.0
	for _, ns := range spent {
		total += ns / float64(threads)
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
	type operation struct {
		name    string
		hasWork bool
		once    func(i int, x uint64) uint64
	}
	all := []operation{
		{"counter_inc", false, func(i int, x uint64) uint64 { counter.Inc(); return x }},
		{"counter_inc_with_work", true, func(i int, x uint64) uint64 { counter.Inc(); return work(x) }},
		{"counter_inc_looked_up", false, func(i int, x uint64) uint64 { requests.WithLabelValues("GET", "200").Inc(); return x }},
		{"classic_observe", false, func(i int, x uint64) uint64 { classic.Observe(observed[i%values]); return x }},
		{"classic_observe_with_work", true, func(i int, x uint64) uint64 { classic.Observe(observed[i%values]); return work(x) }},
		{"classic_observe_looked_up", false, func(i int, x uint64) uint64 {
			latencies.WithLabelValues("GET", "200").Observe(observed[i%values])
			return x
		}},
		{"native_observe", false, func(i int, x uint64) uint64 { native.Observe(observed[i%values]); return x }},
		{"native_observe_with_work", true, func(i int, x uint64) uint64 { native.Observe(observed[i%values]); return work(x) }},
	}
	for threads := 1; threads <= 2; threads++ {
		workNs := measure(threads, func(i int, x uint64) uint64 { return work(x) })
		empty := measure(threads, func(i int, x uint64) uint64 { return x })
		for _, one := range all {
			ns := measure(threads, one.once)
			if one.hasWork {
				ns -= workNs
			} else {
				ns -= empty
			}
			fmt.Printf("%s %d %.2f\n", one.name, threads, ns)
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
		total := int64(0)
		for round := 0; round <= rounds; round++ {
			page.Reset()
			var before, after syscall.Rusage
			syscall.Getrusage(0, &before)
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
			// The whole process: Gather works in goroutines.
			syscall.Getrusage(0, &after)
			if round > 0 {
				total += after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
			}
		}
		fmt.Printf("%s 1 %d\n", one.name, total/rounds)
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
