package io.tandem.worker.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A new file whose SHA-256 is computed while it is written. For one thread. */
final class DigestingFile implements AutoCloseable {
  static final int CHUNK_BYTES = 1 << 20;

  private final FileChannel channel;
  private final MessageDigest digest = sha256();
  private final ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);

  DigestingFile(Path file) throws IOException {
    channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE);
  }

  void write(ByteBuffer bytes) throws IOException {
    digest.update(bytes.duplicate());
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /** Writes float32, little endian; the buffer's position stays. */
  void write(FloatBuffer values) throws IOException {
    var rest = values.duplicate();
    while (rest.hasRemaining()) {
      int count = Math.min(rest.remaining(), CHUNK_BYTES / Safetensors.ELEMENT_BYTES);
      chunk.clear();
      chunk.asFloatBuffer().put(rest.slice().limit(count));
      rest.position(rest.position() + count);
      write(chunk.limit(count * Safetensors.ELEMENT_BYTES));
    }
  }

  /** Forces everything to the disk and returns the SHA-256 in hex. */
  String finish() throws IOException {
    channel.force(true);
    return HexFormat.of().formatHex(digest.digest());
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  /** SHA-256 of a whole file, in hex. */
  static String sha256(FileChannel channel) throws IOException {
    var digest = sha256();
    var buffer = ByteBuffer.allocate(CHUNK_BYTES);
    long position = 0;
    for (int read; (read = channel.read(buffer.clear(), position)) > 0; position += read) {
      digest.update(buffer.flip());
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  static String sha256(byte[] bytes) {
    return HexFormat.of().formatHex(sha256().digest(bytes));
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // Every Java platform has it.
    }
  }
}
