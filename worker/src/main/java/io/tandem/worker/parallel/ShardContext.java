package io.tandem.worker.parallel;

import io.tandem.worker.collective.Communicator;
import io.tandem.worker.collective.ElementType;
import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.Engine;

/**
 * What every operation of one rank works with.
 *
 * @param engine this rank's
 * @param shards the group: the shard axis
 * @param replicas the twins: the replica axis
 * @param world the whole mesh
 * @param phases where time goes
 */
public record ShardContext(
    Engine engine,
    Communicator shards,
    Communicator replicas,
    Communicator world,
    PhaseClock phases) {
  /** The element type that collectives add in. */
  public ElementType element() {
    return engine.dtype() == DType.FLOAT64 ? ElementType.FLOAT64 : ElementType.FLOAT32;
  }

  /** Whether the group has one member. */
  public boolean alone() {
    return shards.size() == 1;
  }

  /** This rank's shard. */
  public int shard() {
    return shards.index();
  }
}
