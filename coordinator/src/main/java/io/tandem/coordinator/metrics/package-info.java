/** The coordinator's metrics. The only package that knows Micrometer. */
package io.tandem.coordinator.metrics;
