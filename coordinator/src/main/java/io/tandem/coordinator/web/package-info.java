/** The web page: its files, as they lie in this jar and in those of its libraries. */
package io.tandem.coordinator.web;
