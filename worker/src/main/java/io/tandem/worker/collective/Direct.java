package io.tandem.worker.collective;

import io.tandem.worker.fabric.Fabric.Operation;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Algorithms for small messages, where the number of steps counts and not the bytes.
 *
 * <p><b>All-reduce by recursive doubling.</b> Cost for n members and N bytes: log2(n) steps of N
 * bytes each, two steps more where n is no power of two. With p the largest power of two in n and r
 * = n - p: first, of the 2r lowest members each even one hands its data to the odd one after it
 * (fold). Then p members remain, who exchange their sums with the one whose number differs in bit
 * 0, then 1, ...; the sum of the lower numbers always stands left, so all get the same bits. Last,
 * the odd ones hand the result back (unfold).
 *
 * <p><b>Reduce-scatter and all-gather by direct exchange.</b> One step; n-1 messages of N/n bytes a
 * member, and N bytes of scratch for a reduce-scatter. Sums are made in the order of the members,
 * from {@code first} around.
 */
final class Direct {
  private final Group group;
  private final Scratch scratch;
  private final Reduction reduction;

  Direct(Group group, Scratch scratch, Reduction reduction) {
    this.group = group;
    this.scratch = scratch;
    this.reduction = reduction;
  }

  void allReduce(ByteBuffer data, ElementType type, int tag) {
    int power = Integer.highestOneBit(group.size());
    int folded = group.size() - power;
    int index = group.index();
    ByteBuffer other = scratch.slot(0, data.remaining());
    if (index < 2 * folded && index % 2 == 0) {
      group.await(group.send(index + 1, tag, data));
      group.await(group.receive(index + 1, tag, data));
      return;
    }
    if (index < 2 * folded) {
      group.await(group.receive(index - 1, tag, other));
      reduction.sum(other, data, data, type);
    }
    int number = index < 2 * folded ? index / 2 : index - folded;
    for (int bit = 1; bit < power; bit <<= 1) {
      int peerNumber = number ^ bit;
      int peer = peerNumber < folded ? 2 * peerNumber + 1 : peerNumber + folded;
      Operation receive = group.receive(peer, tag, other);
      group.await(group.send(peer, tag, data));
      group.await(receive);
      if (peerNumber < number) {
        reduction.sum(other, data, data, type);
      } else {
        reduction.sum(data, other, data, type);
      }
    }
    if (index < 2 * folded) {
      group.await(group.send(index - 1, tag, data));
    }
  }

  void reduceScatter(Chunks in, ByteBuffer out, ElementType type, int tag, int first) {
    int bytes = out.remaining();
    List<Operation> operations = new ArrayList<>();
    for (int member = 0; member < group.size(); member++) {
      if (member != group.index()) {
        operations.add(group.receive(member, tag, scratch.slot(member, bytes)));
      }
    }
    for (int hop = 1; hop < group.size(); hop++) {
      int member = group.wrap(group.index() + hop);
      operations.add(group.send(member, tag, in.chunk(member)));
    }
    group.awaitAll(operations);
    ByteBuffer own = scratch.slot(group.index(), bytes);
    own.duplicate().put(in.chunk(group.index()));
    ByteBuffer sum = scratch.slot(group.wrap(first), bytes);
    for (int hop = 1; hop < group.size(); hop++) {
      reduction.sum(sum, scratch.slot(group.wrap(first + hop), bytes), sum, type);
    }
    out.duplicate().put(sum.duplicate());
  }

  /** This member's chunk is in its place; the others arrive in theirs. */
  void allGather(Chunks chunks, int tag) {
    List<Operation> operations = new ArrayList<>();
    for (int member = 0; member < group.size(); member++) {
      if (member != group.index()) {
        operations.add(group.receive(member, tag, chunks.chunk(member)));
      }
    }
    for (int hop = 1; hop < group.size(); hop++) {
      int member = group.wrap(group.index() + hop);
      operations.add(group.send(member, tag, chunks.chunk(group.index())));
    }
    group.awaitAll(operations);
  }
}
