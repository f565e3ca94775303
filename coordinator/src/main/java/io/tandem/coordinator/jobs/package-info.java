/** The job's life: a pure state machine, and the actors that run it. */
package io.tandem.coordinator.jobs;
