package io.tandem.worker.engine;

/** What memory is used for; the engine keeps a current and a peak count of bytes for each. */
public enum MemoryKind {
  /** This shard's part of the parameters. */
  WEIGHTS,
  /** This shard's part of gradients, momentum and averaged weights. */
  OPTIMIZER,
  /** Whole weights of the block in use, gathered from the shards. */
  GATHERED,
  /** What kernels make in a step: activations, their gradients, temporaries. */
  ACTIVATIONS,
  /** Input batches. */
  DATA
}
