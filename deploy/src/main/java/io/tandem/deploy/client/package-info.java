/** Calls the coordinator's REST interface. */
package io.tandem.deploy.client;
