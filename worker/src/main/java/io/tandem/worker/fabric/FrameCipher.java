package io.tandem.worker.fabric;

import io.tandem.protocol.frame.Frame;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;

/**
 * Encrypts and authenticates the frames from one worker to one other with AES-GCM (NIST SP
 * 800-38D). A sealed frame is its header in the clear, but authenticated, the encrypted payload,
 * the frame's number and the tag:
 *
 * <pre>{@code header (48) | payload | number (8) | tag (16)}</pre>
 *
 * <p>The nonce is the first rank of the sender's worker, that of the receiver's, and the frame's
 * number, which both ends count: as a key serves one attempt, and a worker that starts again never
 * joins an attempt again, no nonce comes twice. Not thread-safe.
 */
final class FrameCipher {
  /** What became of a sealed frame. */
  enum Verdict {
    OPENED,
    /** Not made with this key for this way, or altered. */
    REFUSED,
    /** Opened before. */
    REPLAYED,
    /** One before it did not come. */
    GAP
  }

  static final int TAG_LENGTH = 16;

  /** Bytes that sealing adds. */
  static final int OVERHEAD = Long.BYTES + TAG_LENGTH;

  private static final int MOST_RANKS = 1 << 16;

  private final SecretKey key;
  private final Cipher cipher;
  private final ByteBuffer nonce = ByteBuffer.allocate(12);
  private long next;
  private byte[] header = new byte[Frame.HEADER_LENGTH];
  private byte[] in = new byte[0];
  private byte[] out = new byte[0];

  /**
   * Of one direction.
   *
   * @param key AES, of the attempt
   * @param from first rank of the worker that seals
   * @param to first rank of the worker that opens
   */
  FrameCipher(SecretKey key, int from, int to) {
    if (from < 0 || from >= MOST_RANKS || to < 0 || to >= MOST_RANKS) {
      throw new IllegalArgumentException(
          "ranks " + from + " and " + to + ": frames are encrypted for ranks below " + MOST_RANKS);
    }
    this.key = key;
    nonce.putShort(0, (short) from).putShort(2, (short) to);
    try {
      cipher = Cipher.getInstance("AES/GCM/NoPadding");
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no AES-GCM", e);
    }
  }

  /**
   * Seals a frame in its place.
   *
   * @param frame header and payload, and {@link #OVERHEAD} bytes more to be filled
   */
  void seal(ByteBuffer frame) {
    int payload = frame.capacity() - Frame.HEADER_LENGTH - OVERHEAD;
    in = room(in, payload);
    out = room(out, payload + TAG_LENGTH);
    frame.get(Frame.HEADER_LENGTH, in, 0, payload);
    frame.putLong(Frame.HEADER_LENGTH + payload, next);
    try {
      begin(Cipher.ENCRYPT_MODE, next, frame);
      cipher.doFinal(in, 0, payload, out);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a frame cannot be encrypted", e);
    }
    next++;
    frame.put(Frame.HEADER_LENGTH, out, 0, payload);
    frame.put(Frame.HEADER_LENGTH + payload + Long.BYTES, out, payload, TAG_LENGTH);
  }

  /**
   * Opens a sealed frame. Counts it only when {@link #taken} says so.
   *
   * @param frame as it came, at least a header and {@link #OVERHEAD} bytes
   * @param plain where header and payload go; the frame's length, less the overhead
   */
  Verdict open(ByteBuffer frame, ByteBuffer plain) {
    int payload = frame.capacity() - Frame.HEADER_LENGTH - OVERHEAD;
    long number = frame.getLong(Frame.HEADER_LENGTH + payload);
    in = room(in, payload + TAG_LENGTH);
    out = room(out, payload);
    frame.get(Frame.HEADER_LENGTH, in, 0, payload);
    frame.get(Frame.HEADER_LENGTH + payload + Long.BYTES, in, payload, TAG_LENGTH);
    try {
      begin(Cipher.DECRYPT_MODE, number, frame);
      cipher.doFinal(in, 0, payload + TAG_LENGTH, out);
    } catch (AEADBadTagException e) {
      return Verdict.REFUSED;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a frame cannot be decrypted", e);
    }
    if (number != next) {
      return number < next ? Verdict.REPLAYED : Verdict.GAP;
    }
    plain.put(0, header);
    plain.put(Frame.HEADER_LENGTH, out, 0, payload);
    return Verdict.OPENED;
  }

  /** The last opened frame was dealt with; it will not come again. */
  void taken() {
    next++;
  }

  private void begin(int mode, long number, ByteBuffer frame) throws GeneralSecurityException {
    nonce.putLong(4, number);
    cipher.init(mode, key, new GCMParameterSpec(8 * TAG_LENGTH, nonce.array()));
    frame.get(0, header);
    cipher.updateAAD(header);
  }

  private static byte[] room(byte[] array, int length) {
    return array.length >= length ? array : new byte[length];
  }
}
