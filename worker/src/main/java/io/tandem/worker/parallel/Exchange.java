package io.tandem.worker.parallel;

import io.tandem.worker.engine.Memory.Access;
import io.tandem.worker.engine.Memory.HostBuffer;
import io.tandem.worker.engine.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Moves tensors between the shards of a group: {@code out[i]} to shard i, {@code in[i]} from it.
 */
final class Exchange {
  private static final ByteBuffer NOTHING = ByteBuffer.allocateDirect(0);

  private Exchange() {}

  /** Null entries are empty; this shard's own entries must be null. */
  static void run(ShardContext context, Tensor[] out, Tensor[] in) {
    var before = context.phases().enter(PhaseClock.Phase.HALO);
    List<HostBuffer> held = new ArrayList<>();
    try {
      List<ByteBuffer> sends = buffers(context, out, Access.READ, held);
      List<ByteBuffer> receives = buffers(context, in, Access.WRITE, held);
      context.shards().allToAll(sends, receives);
    } finally {
      held.forEach(HostBuffer::close);
      context.phases().enter(before);
    }
  }

  private static List<ByteBuffer> buffers(
      ShardContext context, Tensor[] tensors, Access access, List<HostBuffer> held) {
    List<ByteBuffer> buffers = new ArrayList<>();
    for (Tensor tensor : tensors) {
      if (tensor == null) {
        buffers.add(NOTHING);
      } else {
        HostBuffer host = context.engine().host(tensor, access);
        held.add(host);
        buffers.add(host.bytes());
      }
    }
    return buffers;
  }
}
