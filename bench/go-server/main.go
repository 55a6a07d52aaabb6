// A Go server that does httpserver's job on "/" with what a Go programmer would take: net/http and
// client_golang. script/bench compares the two; nothing else uses it.
//
// Debian packages: golang-go, golang-github-prometheus-client-golang-dev. Build, without modules:
//
//	GO111MODULE=off GOPATH=/usr/share/gocode /usr/bin/go build -o go-server ./bench/go-server
package main

import (
	"bufio"
	"flag"
	"fmt"
	"log"
	"math/rand"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Never copied from the request: framing, hop-by-hop, and what would act on the client.
var notCopied = map[string]bool{
	"Connection": true, "Content-Encoding": true, "Content-Length": true, "Content-Type": true,
	"Date": true, "Expect": true, "Host": true, "Keep-Alive": true, "Location": true,
	"Proxy-Connection": true, "Server-Timing": true, "Set-Cookie": true, "Te": true,
	"Trailer": true, "Transfer-Encoding": true, "Upgrade": true, "Version": true,
}

var inFlight = prometheus.NewGauge(prometheus.GaugeOpts{
	Name: "httpserver_requests_in_flight",
	Help: "Requests received and not answered yet, waiting ones included.",
})

var latency = prometheus.NewHistogramVec(prometheus.HistogramOpts{
	Name:    "httpserver_execution_latency_seconds",
	Help:    "Time spent.",
	Buckets: prometheus.ExponentialBuckets(0.001, 2, 15),
}, []string{"step"})

// accessLog writes one line per request; it is flushed every 100 ms, as the peers' logs are buffered.
type accessLog struct {
	mutex  sync.Mutex
	writer *bufio.Writer
}

func newAccessLog() *accessLog {
	access := &accessLog{writer: bufio.NewWriterSize(os.Stdout, 64<<10)}
	go func() {
		for range time.Tick(100 * time.Millisecond) {
			access.mutex.Lock()
			access.writer.Flush()
			access.mutex.Unlock()
		}
	}()
	return access
}

func (access *accessLog) line(request *http.Request, bytes int, delay, total time.Duration) {
	host, _, _ := net.SplitHostPort(request.RemoteAddr)
	access.mutex.Lock()
	defer access.mutex.Unlock()
	fmt.Fprintf(access.writer, "%s %s %s %s 200 %d %.6f %.6f\n",
		time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), host, request.Method,
		request.URL.Path, bytes, delay.Seconds(), total.Seconds())
}

type index struct {
	delay    func() time.Duration
	version  string
	flush    bool
	access   *accessLog
	observer prometheus.Observer
}

func (handler *index) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	started := time.Now()
	if request.URL.Path != "/" {
		http.NotFound(writer, request)
		return
	}
	inFlight.Inc()
	defer inFlight.Dec()
	delay := handler.delay()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-request.Context().Done():
			return
		}
	}
	fields := writer.Header()
	for name, values := range request.Header {
		if !notCopied[name] {
			fields[name] = values[:1]
		}
	}
	fields.Set("Content-Type", "text/html; charset=utf-8")
	fields.Set("Version", handler.version)
	fields.Set("Server-Timing", "delay;dur="+strconv.FormatFloat(
		float64(delay)/float64(time.Millisecond), 'f', 3, 64))
	body := "<h1>" + strconv.FormatInt(delay.Milliseconds(), 10) + "</h1>"
	if handler.flush {
		// What is flushed without a length is chunked.
		fields.Set("Content-Length", strconv.Itoa(len(body)))
	}
	writer.Write([]byte(body))
	if handler.flush {
		writer.(http.Flusher).Flush()
	}
	total := time.Since(started)
	handler.observer.Observe(total.Seconds())
	if handler.access != nil {
		handler.access.line(request, len(body), delay, total)
	}
}

// law reads "none", "uniform" (0 to 2 s) or a constant such as "60s".
func law(text string) (func() time.Duration, error) {
	switch text {
	case "none":
		return func() time.Duration { return 0 }, nil
	case "uniform":
		return func() time.Duration { return time.Duration(rand.Int63n(int64(2 * time.Second))) }, nil
	}
	constant, err := time.ParseDuration(text)
	return func() time.Duration { return constant }, err
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on")
	delay := flag.String("delay", "none", "none, uniform (0 to 2 s), or a constant")
	flush := flag.Bool("flush", false, "send the answer before its latency ends")
	access := flag.String("log", "off", "access log on stdout: off or text")
	flag.Parse()
	drawn, err := law(*delay)
	if err != nil || (*access != "off" && *access != "text") {
		flag.Usage()
		os.Exit(2)
	}

	prometheus.MustRegister(inFlight, latency)
	handler := &index{
		delay:    drawn,
		version:  os.Getenv("VERSION"),
		flush:    *flush,
		observer: latency.WithLabelValues("total"),
	}
	if *access == "text" {
		handler.access = newAccessLog()
	}
	http.Handle("/", handler)
	http.Handle("/metrics", promhttp.Handler())
	http.HandleFunc("/readyz", func(writer http.ResponseWriter, _ *http.Request) {
		writer.Write([]byte("ok\n"))
	})

	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintf(os.Stderr, "go-server: listening on %s\n", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
