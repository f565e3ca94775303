/**
 * Jobs, attempts, events, metrics, logs and checkpoints in SQL. The only package that knows SQL.
 */
package io.tandem.coordinator.store;
