/**
 * TLS from PEM files: read, renewed, and explained to who has to mend it. For the control plane and
 * for REST, servers and clients.
 */
package io.tandem.protocol.tls;
