package io.tandem.worker.autograd;

/** How a tensor lies on the shard axis. */
public sealed interface Placement {
  /** The same on every shard. */
  record Replicated() implements Placement {}

  /**
   * Every shard holds a strip of columns of all images.
   *
   * @param width columns of all strips together
   */
  record SplitWidth(int width) implements Placement {}

  /**
   * Every shard holds whole images, a part of the batch.
   *
   * @param rows how the images of all shards together are cut
   */
  record SplitBatch(Split rows) implements Placement {}

  /** The one that has no parameters. */
  Placement REPLICATED = new Replicated();
}
