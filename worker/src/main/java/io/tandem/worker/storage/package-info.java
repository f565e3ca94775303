/**
 * Where files lie: on a file system, or in an object store that speaks S3. Both are {@link
 * java.nio.file.Path}s, so that whoever reads or writes files need not know. An object store has no
 * directories (a prefix of names looks like one), no rename and no way to change a file: what
 * differs for that reason asks {@link io.tandem.worker.storage.Storage#renames}.
 *
 * <p>A file that is written appears when its channel is forced, whole and durable, or not at all: a
 * channel that is closed without that leaves nothing. Every request has a deadline.
 */
package io.tandem.worker.storage;
