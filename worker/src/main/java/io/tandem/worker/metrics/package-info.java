/** Feeds the metrics of {@code protocol.metrics} from attempts and shows them over HTTP. */
package io.tandem.worker.metrics;
