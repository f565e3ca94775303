package io.tandem.worker.collective;

import io.tandem.worker.fabric.Fabric;
import java.nio.ByteBuffer;

/**
 * The members of a communicator, as one of them sees them.
 *
 * @param members ranks, in the communicator's order
 * @param index this member's place among them
 */
record Group(Fabric fabric, int[] members, int index) {
  int size() {
    return members.length;
  }

  /** A member's index that may run past either end of the ring. */
  int wrap(int member) {
    return Math.floorMod(member, members.length);
  }

  Fabric.Operation send(int member, int tag, ByteBuffer data) {
    return fabric.send(members[member], tag, data);
  }

  Fabric.Operation receive(int member, int tag, ByteBuffer into) {
    return fabric.receive(members[member], tag, into);
  }

  Fabric.Operation receive(int member, int tag, int length, Fabric.Sink sink) {
    return fabric.receive(members[member], tag, length, sink);
  }

  /** Waits; null stands for nothing to wait for. */
  void await(Fabric.Operation operation) {
    if (operation != null) {
      fabric.await(operation);
    }
  }

  void awaitAll(Iterable<Fabric.Operation> operations) {
    operations.forEach(this::await);
  }
}
