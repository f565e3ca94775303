/** Gang scheduling: which queued jobs start now, and on which workers. Pure and deterministic. */
package io.tandem.coordinator.placement;
