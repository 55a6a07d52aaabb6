// Does with client_golang what meter_drive does with libmeter (the script is described there), and
// writes FOLDER/text and FOLDER/openmetrics. Then it decodes FOLDER/ours (libmeter's protobuf) and
// writes both sides in one readable form: FOLDER/protobuf.theirs and FOLDER/protobuf.ours.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/matttproud/golang_protobuf_extensions/pbutil"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

type family struct {
	kind      string
	counter   *prometheus.CounterVec
	gauge     *prometheus.GaugeVec
	histogram *prometheus.HistogramVec
	summary   *prometheus.SummaryVec
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func double(text string) float64 {
	bits, err := strconv.ParseUint(text, 16, 64)
	check(err)
	return math.Float64frombits(bits)
}

// What libmeter makes of bytes that are not UTF-8, and of NUL.
func clean(text string) string {
	data, err := hex.DecodeString(text[1:])
	check(err)
	return strings.ReplaceAll(string([]rune(string(data))), "\x00", "\uFFFD")
}

func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.Trim(text, ","), ",")
}

func texts(text string) []string {
	var values []string
	for _, item := range list(text) {
		if item != "" {
			values = append(values, clean(item))
		}
	}
	return values
}

func makeFamily(registry *prometheus.Registry, words []string) family {
	name, help := words[2], clean(words[3])
	var labels []string
	for _, label := range list(words[4]) {
		if label != "" {
			labels = append(labels, label)
		}
	}
	made := family{kind: words[1]}
	var collector prometheus.Collector
	switch words[1] {
	case "c":
		made.counter = prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		collector = made.counter
	case "g":
		made.gauge = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
		collector = made.gauge
	case "s":
		made.summary = prometheus.NewSummaryVec(prometheus.SummaryOpts{Name: name, Help: help}, labels)
		collector = made.summary
	default:
		opts := prometheus.HistogramOpts{Name: name, Help: help}
		if words[5] != "none" {
			for _, bound := range list(words[5]) {
				opts.Buckets = append(opts.Buckets, double(bound))
			}
		}
		if len(words) > 6 {
			opts.NativeHistogramBucketFactor = double(words[6])
			opts.NativeHistogramZeroThreshold = double(words[7])
			limit, err := strconv.ParseUint(words[8], 10, 32)
			check(err)
			opts.NativeHistogramMaxBucketNumber = uint32(limit)
			opts.NativeHistogramMaxZeroThreshold = double(words[9])
		}
		made.histogram = prometheus.NewHistogramVec(opts, labels)
		collector = made.histogram
	}
	check(registry.Register(collector))
	return made
}

func exemplarLabels(text string) prometheus.Labels {
	labels := prometheus.Labels{}
	for _, pair := range list(text) {
		name, value, _ := strings.Cut(pair, "=")
		labels[name] = clean(value)
	}
	return labels
}

func change(to family, words []string) {
	value := double(words[2])
	var values []string
	if len(words) > 3 {
		values = texts(words[3])
	}
	switch to.kind {
	case "c":
		counter := to.counter.WithLabelValues(values...)
		if words[0] == "exemplar" {
			counter.(prometheus.ExemplarAdder).AddWithExemplar(value, exemplarLabels(words[4]))
		} else if words[0] == "inc" {
			counter.Inc()
		} else if value >= 0 {
			counter.Add(value)
		}
	case "g":
		gauge := to.gauge.WithLabelValues(values...)
		switch words[0] {
		case "set":
			gauge.Set(value)
		case "add":
			gauge.Add(value)
		case "inc":
			gauge.Inc()
		case "dec":
			gauge.Dec()
		}
	case "s":
		to.summary.WithLabelValues(values...).Observe(value)
	default:
		observer := to.histogram.WithLabelValues(values...)
		if words[0] == "exemplar" {
			observer.(prometheus.ExemplarObserver).ObserveWithExemplar(value, exemplarLabels(words[4]))
		} else {
			observer.Observe(value)
		}
	}
}

func bits(value float64) string {
	if math.IsNaN(value) {
		return "NaN"
	}
	return fmt.Sprintf("%016x(%g)", math.Float64bits(value), value)
}

func writeExemplar(out io.Writer, exemplar *dto.Exemplar) {
	if exemplar == nil {
		return
	}
	seen := map[string]string{}
	for _, label := range exemplar.Label {
		seen[label.GetName()] = label.GetValue()
	}
	fmt.Fprintf(out, "    exemplar %q %s time %t\n", fmt.Sprint(seen), bits(exemplar.GetValue()), exemplar.Timestamp != nil)
}

func writeSpans(out io.Writer, name string, spans []*dto.BucketSpan, deltas []int64) {
	// An empty native histogram carries a span {0, 0} in libmeter, as in newer client_golang.
	if len(spans) == 1 && spans[0].GetLength() == 0 {
		spans = nil
	}
	fmt.Fprintf(out, "    %s", name)
	for _, span := range spans {
		fmt.Fprintf(out, " [%d %d]", span.GetOffset(), span.GetLength())
	}
	fmt.Fprintf(out, " %v\n", deltas)
}

func writeFamily(out io.Writer, family *dto.MetricFamily) {
	fmt.Fprintf(out, "%s %q %s\n", family.GetName(), family.GetHelp(), family.GetType())
	for _, metric := range family.Metric {
		fmt.Fprint(out, "  {")
		for _, label := range metric.Label {
			fmt.Fprintf(out, "%s=%q ", label.GetName(), label.GetValue())
		}
		fmt.Fprintln(out, "}")
		if counter := metric.Counter; counter != nil {
			fmt.Fprintln(out, "    counter", bits(counter.GetValue()))
			writeExemplar(out, counter.Exemplar)
		}
		if gauge := metric.Gauge; gauge != nil {
			fmt.Fprintln(out, "    gauge", bits(gauge.GetValue()))
		}
		if summary := metric.Summary; summary != nil {
			fmt.Fprintln(out, "    summary", summary.GetSampleCount(), bits(summary.GetSampleSum()), len(summary.Quantile))
		}
		if histogram := metric.Histogram; histogram != nil {
			fmt.Fprintln(out, "    histogram", histogram.GetSampleCount(), bits(histogram.GetSampleSum()))
			for _, bucket := range histogram.Bucket {
				fmt.Fprintln(out, "    le", bits(bucket.GetUpperBound()), bucket.GetCumulativeCount())
				writeExemplar(out, bucket.Exemplar)
			}
			if histogram.Schema != nil {
				// A widened threshold is a bucket bound, which client_golang's table has up to four
				// units in the last place too low; libmeter's is rounded correctly.
				fmt.Fprintf(out, "    native %d %.13g %d\n", histogram.GetSchema(), histogram.GetZeroThreshold(), histogram.GetZeroCount())
				writeSpans(out, "negative", histogram.NegativeSpan, histogram.NegativeDelta)
				writeSpans(out, "positive", histogram.PositiveSpan, histogram.PositiveDelta)
			}
		}
	}
}

func create(folder, name string) *os.File {
	file, err := os.Create(folder + "/" + name)
	check(err)
	return file
}

func writePages(folder string, gathered []*dto.MetricFamily) {
	for name, format := range map[string]expfmt.Format{"text": expfmt.FmtText, "openmetrics": expfmt.FmtOpenMetrics} {
		file := create(folder, name)
		encoder := expfmt.NewEncoder(file, format)
		for _, family := range gathered {
			check(encoder.Encode(family))
		}
		check(encoder.(expfmt.Closer).Close())
		check(file.Close())
	}
	theirs := create(folder, "protobuf.theirs")
	for _, family := range gathered {
		writeFamily(theirs, family)
	}
	check(theirs.Close())
}

func decodeOurs(folder string) {
	input, err := os.Open(folder + "/ours")
	check(err)
	reader := bufio.NewReader(input)
	ours := create(folder, "protobuf.ours")
	var previous *dto.MetricFamily
	for {
		family := &dto.MetricFamily{}
		_, err := pbutil.ReadDelimited(reader, family)
		if err == io.EOF {
			break
		}
		check(err)
		// A large family comes in several messages.
		if previous != nil && previous.GetName() == family.GetName() {
			previous.Metric = append(previous.Metric, family.Metric...)
			continue
		}
		if previous != nil {
			writeFamily(ours, previous)
		}
		previous = family
	}
	if previous != nil {
		writeFamily(ours, previous)
	}
	check(ours.Close())
}

func main() {
	folder := os.Args[1]
	registry := prometheus.NewRegistry()
	var families []family
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<20)
	for lines.Scan() {
		words := strings.Split(lines.Text(), " ")
		if words[0] == "family" {
			families = append(families, makeFamily(registry, words))
			continue
		}
		index, err := strconv.Atoi(words[1])
		check(err)
		change(families[index], words)
	}
	check(lines.Err())
	gathered, err := registry.Gather()
	check(err)
	writePages(folder, gathered)
	decodeOurs(folder)
}
