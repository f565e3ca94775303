/** Takes jobs by REST, places them on workers, and keeps them in a store. */
package io.tandem.coordinator;
