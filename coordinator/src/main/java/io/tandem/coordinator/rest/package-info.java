/** REST: routes, server-sent events, problem+json. No decisions. */
package io.tandem.coordinator.rest;
