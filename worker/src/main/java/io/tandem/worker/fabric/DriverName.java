package io.tandem.worker.fabric;

import io.aeron.CncFileDescriptor;
import io.aeron.CommonContext;
import java.nio.MappedByteBuffer;
import java.nio.file.Path;
import org.agrona.BufferUtil;
import org.agrona.DirectBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Names media drivers, so that two workers know whether they share one. A host and a directory or a
 * process id would not do: containers of one host may have the same ones and yet share nothing.
 */
public final class DriverName {
  private static final Logger LOG = LoggerFactory.getLogger(DriverName.class);
  private static final long HEARTBEAT_MILLIS = 10_000;

  private DriverName() {}

  /** The embedded one of this process. */
  public static String embedded() {
    return "embedded:" + DriverDirectories.PROCESS;
  }

  /**
   * The one that is at work in a directory, by its start and process id there.
   *
   * @throws IllegalStateException where none is
   */
  public static String external(String host, Path directory) {
    CommonContext context =
        new CommonContext()
            .aeronDirectoryName(directory.toAbsolutePath().toString())
            .concludeAeronDirectory();
    MappedByteBuffer file = context.mapExistingCncFile(LOG::debug);
    try {
      if (file == null || !CommonContext.isDriverActive(HEARTBEAT_MILLIS, LOG::debug, file)) {
        throw new IllegalStateException(
            "no media driver is at work in "
                + directory
                + ": start one with `tandem media-driver --directory "
                + directory
                + "`, or leave --aeron-directory out");
      }
      DirectBuffer data = CncFileDescriptor.createMetaDataBuffer(file);
      return String.join(
          ":",
          host,
          context.aeronDirectoryName(),
          String.valueOf(CncFileDescriptor.startTimestampMs(data)),
          String.valueOf(CncFileDescriptor.pid(data)));
    } finally {
      BufferUtil.free(file);
    }
  }
}
