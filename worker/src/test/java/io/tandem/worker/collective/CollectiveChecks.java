package io.tandem.worker.collective;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.worker.fabric.Fabric;
import io.tandem.worker.fabric.Ranks;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** Every collective with an answer in closed form: small integers, whose float sums are exact. */
public final class CollectiveChecks {
  private CollectiveChecks() {}

  /** How to make a communicator over all ranks. */
  public interface Maker {
    Communicator make(Fabric fabric, int[] members);
  }

  /** All collectives over all ranks of the world, with {@code count} elements a member. */
  public static void checkAll(List<Fabric> world, int count, Maker maker) {
    int[] members = world.stream().mapToInt(Fabric::rank).toArray();
    Ranks.run(
        world,
        fabric -> {
          Communicator all = maker.make(fabric, members);
          allReduce(all, count, ElementType.FLOAT32);
          allReduce(all, count, ElementType.FLOAT64);
          reduceScatter(all, count);
          allGather(all, count);
          allToAll(all, count);
          for (int root : new int[] {0, members.length / 2, members.length - 1}) {
            broadcast(all, count, root);
          }
          all.barrier();
          return null;
        });
  }

  private static int value(int member, int i) {
    return (member + 1) * (i % 13 + 1) - i % 7;
  }

  private static int sum(int members, int i) {
    return members * (members + 1) / 2 * (i % 13 + 1) - members * (i % 7);
  }

  /** Lies in the middle of its buffer, whose ends must stay as they are. */
  static ByteBuffer buffer(long bytes) {
    return ByteBuffer.allocateDirect((int) bytes + 16)
        .order(ByteOrder.nativeOrder())
        .position(8)
        .limit((int) bytes + 8);
  }

  private static void allReduce(Communicator all, int count, ElementType type) {
    ByteBuffer data = buffer((long) count * type.bytes());
    for (int i = 0; i < count; i++) {
      put(data, type, i, value(all.index(), i));
    }
    all.allReduce(data, type);
    for (int i = 0; i < count; i++) {
      if (get(data, type, i) != sum(all.size(), i)) {
        assertThat(get(data, type, i)).as("allReduce[%d]", i).isEqualTo(sum(all.size(), i));
      }
    }
    assertUntouched(data);
  }

  private static void put(ByteBuffer data, ElementType type, int i, int value) {
    if (type == ElementType.FLOAT32) {
      data.putFloat(data.position() + i * 4, value);
    } else {
      data.putDouble(data.position() + i * 8, value);
    }
  }

  private static double get(ByteBuffer data, ElementType type, int i) {
    return type == ElementType.FLOAT32
        ? data.getFloat(data.position() + i * 4)
        : data.getDouble(data.position() + i * 8);
  }

  private static void assertUntouched(ByteBuffer data) {
    assertThat(data.position()).isEqualTo(8);
    assertThat(data.limit()).isEqualTo(data.capacity() - 8);
    assertThat(data.getLong(0)).isZero();
    assertThat(data.duplicate().clear().getLong(data.limit())).isZero();
  }

  private static void reduceScatter(Communicator all, int count) {
    ByteBuffer in = buffer(4L * count * all.size());
    ByteBuffer out = buffer(4L * count);
    for (int i = 0; i < count * all.size(); i++) {
      put(in, ElementType.FLOAT32, i, value(all.index(), i));
    }
    all.reduceScatter(in, out, ElementType.FLOAT32);
    for (int i = 0; i < count; i++) {
      int expected = sum(all.size(), all.index() * count + i);
      if (get(out, ElementType.FLOAT32, i) != expected) {
        assertThat(get(out, ElementType.FLOAT32, i)).as("sum[%d]", i).isEqualTo(expected);
      }
    }
    for (int i = 0; i < count * all.size(); i++) {
      if (get(in, ElementType.FLOAT32, i) != value(all.index(), i)) {
        throw new AssertionError("reduceScatter changed its input");
      }
    }
    assertUntouched(out);
  }

  private static void allGather(Communicator all, int bytes) {
    ByteBuffer in = buffer(bytes);
    ByteBuffer out = buffer((long) bytes * all.size());
    for (int i = 0; i < bytes; i++) {
      in.put(8 + i, (byte) value(all.index(), i));
    }
    all.allGather(in, out);
    for (int i = 0; i < bytes * all.size(); i++) {
      byte expected = (byte) value(i / bytes, i % bytes);
      if (out.get(8 + i) != expected) {
        assertThat(out.get(8 + i)).as("allGather[%d]", i).isEqualTo(expected);
      }
    }
    assertUntouched(out);
  }

  private static int pairBytes(int from, int to, int count) {
    return (from * 3 + to * 5) % 4 == 0 ? 0 : count / 2 + (from + 2 * to) % 5;
  }

  private static void allToAll(Communicator all, int count) {
    List<ByteBuffer> out = new ArrayList<>();
    List<ByteBuffer> in = new ArrayList<>();
    for (int member = 0; member < all.size(); member++) {
      ByteBuffer part = buffer(pairBytes(all.index(), member, count));
      for (int i = 0; i < part.remaining(); i++) {
        part.put(8 + i, (byte) (all.index() * 31 + member * 17 + i));
      }
      out.add(part);
      in.add(buffer(pairBytes(member, all.index(), count)));
    }
    all.allToAll(out, in);
    for (int member = 0; member < all.size(); member++) {
      ByteBuffer part = in.get(member);
      for (int i = 0; i < part.remaining(); i++) {
        byte expected = (byte) (member * 31 + all.index() * 17 + i);
        if (part.get(8 + i) != expected) {
          assertThat(part.get(8 + i)).as("from %d [%d]", member, i).isEqualTo(expected);
        }
      }
      assertUntouched(part);
    }
  }

  private static void broadcast(Communicator all, int bytes, int root) {
    ByteBuffer data = buffer(bytes);
    for (int i = 0; i < bytes && all.index() == root; i++) {
      data.put(8 + i, (byte) (i * 7 + root));
    }
    all.broadcast(data, root);
    for (int i = 0; i < bytes; i++) {
      if (data.get(8 + i) != (byte) (i * 7 + root)) {
        assertThat(data.get(8 + i)).as("broadcast[%d]", i).isEqualTo((byte) (i * 7 + root));
      }
    }
    assertUntouched(data);
  }
}
