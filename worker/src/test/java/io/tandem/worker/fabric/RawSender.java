package io.tandem.worker.fabric;

import io.aeron.Aeron;
import io.aeron.Publication;
import java.nio.ByteBuffer;
import org.agrona.CloseHelper;
import org.agrona.concurrent.UnsafeBuffer;
import org.awaitility.Awaitility;

/** Puts any bytes on the wire to the first worker, as its peer. */
record RawSender(Driver driver, Aeron aeron, Publication publication) implements AutoCloseable {
  static RawSender toFirst(Workers world) {
    Driver driver = Driver.embedded(world.roster.members().get(1).driver(), 3, c -> {});
    Aeron aeron =
        Aeron.connect(new Aeron.Context().aeronDirectoryName(driver.directory().toString()));
    return new RawSender(
        driver,
        aeron,
        aeron.addPublication(
            Channels.publication("127.0.0.1", world.ports.get(0)),
            AeronEndpoint.stream(world.roster, "w0")));
  }

  void offer(ByteBuffer bytes, int length) {
    UnsafeBuffer buffer = new UnsafeBuffer(bytes);
    Awaitility.await("room in the publication")
        .atMost(Workers.DEADLINE)
        .until(() -> publication.offer(buffer, 0, length) > 0);
  }

  @Override
  public void close() {
    CloseHelper.closeAll(publication, aeron, driver);
  }
}
