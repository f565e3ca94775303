/**
 * Checkpoints that survive crashes and changes of the mesh. A checkpoint is a directory:
 *
 * <pre>
 *   step-00000100.attempt3/
 *     shard-00000-of-00004.safetensors   every tensor's elements [s*ceil(n/S), min(n, (s+1)*ceil(n/S)))
 *     ...
 *     manifest.json                    step, mesh, tensors, scalars; size and SHA-256 of every shard file
 *     manifest.json.sha256                  so that an altered manifest is refused too
 * </pre>
 *
 * The shards of replica 0 write into {@code step-00000100.tmp-attempt3}; when all have, one of them
 * commits by one atomic rename. In an object store, which has no rename, they write into {@code
 * step-00000100.attempt3} at once: the manifest, written last, commits. A reader assembles any
 * slice of any tensor, whatever mesh wrote it. {@code begun.attempt3} beside them says which
 * attempt is the latest: an earlier one commits and removes nothing any more.
 */
package io.tandem.worker.checkpoint;
