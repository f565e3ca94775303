package io.tandem.worker.fabric;

import java.nio.file.Path;
import java.time.Duration;
import javax.crypto.SecretKey;

/**
 * How a worker's data plane is set up.
 *
 * @param bindHost address it listens on
 * @param dataPort UDP port it listens on
 * @param aeronDirectory an external media driver's directory, or null for an embedded driver, which
 *     workers of one JVM share where the roster gives them the same {@code driver}
 * @param connectTimeout how long peers may take to say hello
 * @param silence how long a peer's process may say nothing while someone waits for it; it says
 *     something every second, or four times in this time, however long it computes
 * @param timeout how long any wait may take, though the peer's process is alive
 * @param bufferBytes how much may lie here that no rank has asked for yet; then senders are held up
 * @param frameKey what frames to and from other workers are encrypted with (AES), the same on all
 *     of them, or null for frames with a checksum only
 */
public record FabricSettings(
    String bindHost,
    int dataPort,
    Path aeronDirectory,
    Duration connectTimeout,
    Duration silence,
    Duration timeout,
    long bufferBytes,
    SecretKey frameKey) {
  /**
   * In bytes, more than any tensor's part for one peer has. What a frame says of its message is
   * another process' word, and is not believed beyond this.
   */
  static final int LARGEST_MESSAGE = 1 << 30;

  /** With an embedded driver, 30 s to connect, 6 s of silence, waits of 5 minutes, 256 MiB. */
  public static FabricSettings of(String bindHost, int dataPort) {
    return new FabricSettings(
        bindHost,
        dataPort,
        null,
        Duration.ofSeconds(30),
        Duration.ofSeconds(6),
        Duration.ofMinutes(5),
        256L << 20,
        null);
  }

  /** The same over another driver; null is the embedded one. */
  public FabricSettings withAeronDirectory(Path directory) {
    return new FabricSettings(
        bindHost, dataPort, directory, connectTimeout, silence, timeout, bufferBytes, frameKey);
  }

  /** The same with other deadlines. */
  public FabricSettings withTimeouts(Duration connect, Duration silence, Duration timeout) {
    return new FabricSettings(
        bindHost, dataPort, aeronDirectory, connect, silence, timeout, bufferBytes, frameKey);
  }

  /** The same with encrypted frames; null is without. */
  public FabricSettings withFrameKey(SecretKey key) {
    return new FabricSettings(
        bindHost, dataPort, aeronDirectory, connectTimeout, silence, timeout, bufferBytes, key);
  }
}
