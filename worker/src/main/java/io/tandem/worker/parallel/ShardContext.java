package io.tandem.worker.parallel;

import io.tandem.protocol.mesh.Mesh;
import io.tandem.protocol.mesh.Rank;
import io.tandem.worker.collective.CollectiveListener;
import io.tandem.worker.collective.Communicator;
import io.tandem.worker.collective.ElementType;
import io.tandem.worker.collective.FabricCommunicator;
import io.tandem.worker.collective.MeasuredCommunicator;
import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.fabric.Fabric;
import java.util.stream.IntStream;

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
  /** As {@link #of(Engine, Fabric, Mesh, int, CollectiveListener)}, with nobody listening. */
  public static ShardContext of(Engine engine, Fabric fabric, Mesh mesh, int index) {
    return of(engine, fabric, mesh, index, CollectiveListener.NONE);
  }

  /**
   * The place of a rank in the mesh.
   *
   * @param fabric the rank's own
   * @param index of the rank
   * @param listener hears every collective
   */
  public static ShardContext of(
      Engine engine, Fabric fabric, Mesh mesh, int index, CollectiveListener listener) {
    Rank rank = mesh.rank(index);
    int tags = FabricCommunicator.TAGS;
    int[] all = IntStream.range(0, mesh.size()).toArray();
    var shards = new FabricCommunicator(fabric, mesh.group(rank.replica()), 0);
    var replicas = new FabricCommunicator(fabric, mesh.twins(rank.shard()), tags);
    var world = new FabricCommunicator(fabric, all, 2 * tags);
    return new ShardContext(
        engine,
        MeasuredCommunicator.of(shards, listener),
        MeasuredCommunicator.of(replicas, listener),
        MeasuredCommunicator.of(world, listener),
        new PhaseClock());
  }

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
