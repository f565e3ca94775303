/** Every metric's name, unit, labels and help, once, and the registry that both sides feed. */
package io.tandem.protocol.metrics;
