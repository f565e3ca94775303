/** The composition root: the command line, and clusters put together from their parts. */
package io.tandem.deploy;
