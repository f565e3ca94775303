package io.tandem.protocol.control;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** The version that {@link Register#getProtocolVersion()} carries; both sides must be equal. */
public final class ProtocolVersion {
  /** Raised by one whenever a message changes its meaning. */
  public static final int PROTOCOL_VERSION = 2;

  private ProtocolVersion() {}

  /** The program's own version, as its build says: what people and images go by. */
  public static String release() {
    Properties properties = new Properties();
    try (InputStream in = ProtocolVersion.class.getResourceAsStream("release.properties")) {
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException("release.properties cannot be read", e);
    }
    return properties.getProperty("version");
  }
}
