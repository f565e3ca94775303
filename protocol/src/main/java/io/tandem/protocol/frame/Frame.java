package io.tandem.protocol.frame;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * A flyweight over one frame of the data plane. A message between two ranks travels as one frame or
 * several, in order; each says where its payload belongs. All fields are little-endian.
 *
 * <pre>
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +---------------+---------------+---------------+---------------+
 *  |         Magic 0x6454          |    Version    |     Kind      |  0
 *  +---------------+---------------+---------------+---------------+
 *  |     CRC32C of the whole frame but for this field              |  4
 *  +---------------------------------------------------------------+
 *  |                        Job (hash of its id)                   |  8
 *  +---------------------------------------------------------------+
 *  |                           Attempt                             | 12
 *  +---------------------------------------------------------------+
 *  |                         Source rank                           | 16
 *  +---------------------------------------------------------------+
 *  |                       Destination rank                        | 20
 *  +---------------------------------------------------------------+
 *  |                             Tag                               | 24
 *  +---------------------------------------------------------------+
 *  |                     Payload length, bytes                     | 28
 *  +---------------------------------------------------------------+
 *  |        Message sequence, from 0 for each (source rank,        | 32
 *  |                   destination rank, tag)                      | 36
 *  +---------------------------------------------------------------+
 *  |              Offset of the payload in its message             | 40
 *  +---------------------------------------------------------------+
 *  |                     Message length, bytes                     | 44
 *  +---------------------------------------------------------------+
 *  |                          Payload ...                         ...
 * </pre>
 *
 * <p>An encrypted frame has no checksum but a tag behind its payload, of which this knows nothing.
 *
 * <p>Not thread-safe. Reading a field is meaningful only where {@link #check} says {@code WHOLE}.
 */
public final class Frame {
  public static final int HEADER_LENGTH = 48;
  public static final int VERSION = 1;

  private static final short MAGIC = 0x6454;
  private static final int CRC_AT = 4;
  private static final Kind[] KINDS = Kind.values();

  private final CRC32C crc = new CRC32C();
  private ByteBuffer bytes = ByteBuffer.allocate(0);

  /** What a frame is for. The order is part of the protocol. */
  public enum Kind {
    /** A piece of a message between two ranks. */
    DATA,
    /** The sender's worker is there and alive; repeated. */
    HELLO,
    /** The source rank gives up; the payload says why, in UTF-8. */
    ABORT,
    /** The sender's worker sends nothing more. */
    GOODBYE,
    /** The sender's worker has read everything up to the other's goodbye. */
    FAREWELL
  }

  /** What {@link #check} found. */
  public enum Condition {
    WHOLE,
    /** Shorter than its header or than its header says. */
    TRUNCATED,
    /** Not a frame, or one of another version of the protocol. */
    FOREIGN,
    /** The checksum or a field is wrong. */
    CORRUPT
  }

  /** Lays the flyweight over {@code length} bytes from {@code index}; the buffer stays as it is. */
  public Frame wrap(ByteBuffer buffer, int index, int length) {
    bytes = buffer.slice(index, length).order(ByteOrder.LITTLE_ENDIAN);
    return this;
  }

  /** Writes the fields that name the sender's attempt and what kind of frame this is. */
  public Frame begin(Kind kind, int job, int attempt, int source) {
    bytes.putShort(0, MAGIC);
    bytes.put(2, (byte) VERSION);
    bytes.put(3, (byte) kind.ordinal());
    bytes.putInt(8, job);
    bytes.putInt(12, attempt);
    bytes.putInt(16, source);
    return piece(0, 0, 0L, 0, bytes.capacity() - HEADER_LENGTH);
  }

  /** Writes the fields that place the payload in its message. */
  public Frame piece(int destination, int tag, long sequence, int offset, int messageLength) {
    bytes.putInt(20, destination);
    bytes.putInt(24, tag);
    bytes.putInt(28, bytes.capacity() - HEADER_LENGTH);
    bytes.putLong(32, sequence);
    bytes.putInt(40, offset);
    bytes.putInt(44, messageLength);
    return this;
  }

  /** Writes the checksum, when all else, the payload too, is in place. */
  public void seal() {
    bytes.putInt(CRC_AT, checksum());
  }

  /** Whether this can be read. */
  public Condition check() {
    Condition fields = checkFields();
    boolean wrong = fields == Condition.WHOLE && bytes.getInt(CRC_AT) != checksum();
    return wrong ? Condition.CORRUPT : fields;
  }

  /** Whether the fields make sense, whatever the checksum: for frames that were encrypted. */
  public Condition checkFields() {
    if (bytes.capacity() < HEADER_LENGTH) {
      return Condition.TRUNCATED;
    }
    if (bytes.getShort(0) != MAGIC || bytes.get(2) != VERSION) {
      return Condition.FOREIGN;
    }
    if (payloadLength() > bytes.capacity() - HEADER_LENGTH) {
      return Condition.TRUNCATED;
    }
    boolean sane =
        payloadLength() == bytes.capacity() - HEADER_LENGTH
            && bytes.get(3) >= 0
            && bytes.get(3) < KINDS.length
            && offset() >= 0
            && messageLength() >= 0
            && messageLength() - offset() >= payloadLength();
    return sane ? Condition.WHOLE : Condition.CORRUPT;
  }

  private int checksum() {
    crc.reset();
    crc.update(bytes.slice(0, CRC_AT));
    crc.update(bytes.slice(CRC_AT + 4, bytes.capacity() - CRC_AT - 4));
    return (int) crc.getValue();
  }

  public Kind kind() {
    return KINDS[bytes.get(3)];
  }

  public int job() {
    return bytes.getInt(8);
  }

  public int attempt() {
    return bytes.getInt(12);
  }

  public int source() {
    return bytes.getInt(16);
  }

  public int destination() {
    return bytes.getInt(20);
  }

  public int tag() {
    return bytes.getInt(24);
  }

  /** Bytes of this frame's payload. */
  public int payloadLength() {
    return bytes.getInt(28);
  }

  public long sequence() {
    return bytes.getLong(32);
  }

  /** Where in its message the payload begins, in bytes. */
  public int offset() {
    return bytes.getInt(40);
  }

  /** Bytes of the whole message. */
  public int messageLength() {
    return bytes.getInt(44);
  }

  /** The frame itself; its payload begins at {@link #HEADER_LENGTH}. */
  public ByteBuffer bytes() {
    return bytes;
  }
}
