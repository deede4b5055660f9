package lease

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what a manager counts. Any goroutine may count.
type metrics struct {
	claims     prometheus.Counter
	extensions prometheus.Counter
	denials    prometheus.Counter
	retries    prometheus.Counter
	expiries   prometheus.Counter
	held       prometheus.Gauge
	waiters    prometheus.Gauge
	latency    prometheus.Histogram
}

func newMetrics(entity string) *metrics {
	labels := prometheus.Labels{"entity": entity}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "unit_agent", Subsystem: "lease", Name: name, Help: help, ConstLabels: labels,
		})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "unit_agent", Subsystem: "lease", Name: name, Help: help, ConstLabels: labels,
		})
	}
	return &metrics{
		claims:     counter("claims_total", "Claims of a free lease that were granted."),
		extensions: counter("extensions_total", "Claims by the holder of a lease that were granted."),
		denials:    counter("denials_total", "Claims that were denied because another holds the lease."),
		retries:    counter("retries_total", "Store operations that were put off to be tried again."),
		expiries:   counter("expiries_total", "Leases that this manager made free because their time was over."),
		held:       gauge("held", "Leases that this manager knows to be held: those claimed or waited for here and, if the store does not expire leases itself, all."),
		waiters:    gauge("waiters", "Callers that wait for a lease to be free."),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "unit_agent", Subsystem: "lease", Name: "claim_seconds",
			Help:        "Time from a claim to its answer, whatever that is.",
			ConstLabels: labels,
			Buckets:     prometheus.ExponentialBuckets(0.0005, 4, 8), // 0.5 ms to 8 s
		}),
	}
}

// claimed counts a claim that was answered.
func (ms *metrics) claimed(err error, extended bool, took time.Duration) {
	ms.latency.Observe(took.Seconds())
	switch {
	case errors.Is(err, ErrClaimDenied):
		ms.denials.Inc()
	case err != nil:
	case extended:
		ms.extensions.Inc()
	default:
		ms.claims.Inc()
	}
}

func (ms *metrics) register(registerer prometheus.Registerer) error {
	if registerer == nil {
		return nil
	}
	return registerer.Register(ms)
}

func (ms *metrics) unregister(registerer prometheus.Registerer) {
	if registerer != nil {
		registerer.Unregister(ms)
	}
}

func (ms *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{
		ms.claims, ms.extensions, ms.denials, ms.retries, ms.expiries, ms.held, ms.waiters, ms.latency,
	}
}

// Describe is part of prometheus.Collector.
func (ms *metrics) Describe(descs chan<- *prometheus.Desc) {
	for _, c := range ms.all() {
		c.Describe(descs)
	}
}

// Collect is part of prometheus.Collector.
func (ms *metrics) Collect(values chan<- prometheus.Metric) {
	for _, c := range ms.all() {
		c.Collect(values)
	}
}
