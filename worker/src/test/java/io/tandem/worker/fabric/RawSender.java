package io.tandem.worker.fabric;

import io.aeron.Aeron;
import io.aeron.Publication;
import io.tandem.protocol.mesh.Member;
import java.nio.ByteBuffer;
import org.agrona.CloseHelper;
import org.agrona.concurrent.UnsafeBuffer;

/** Puts any bytes on the wire to the first worker, as its peer. */
record RawSender(Driver driver, Aeron aeron, Publication publication) implements AutoCloseable {
  static RawSender toFirst(Workers world) {
    Member first = world.roster.members().get(0);
    Member last = world.roster.members().get(world.roster.members().size() - 1);
    Driver driver = Driver.embedded(last.driver(), world.roster.attempt(), c -> {});
    Aeron aeron =
        Aeron.connect(new Aeron.Context().aeronDirectoryName(driver.directory().toString()));
    String channel =
        last.driver().equals(first.driver())
            ? Channels.ipc()
            : Channels.publication(first.host(), first.port());
    return new RawSender(
        driver,
        aeron,
        aeron.addPublication(channel, AeronEndpoint.stream(world.roster, first.workerId())));
  }

  void offer(ByteBuffer bytes, int length) {
    UnsafeBuffer buffer = new UnsafeBuffer(bytes);
    Workers.await(() -> publication.offer(buffer, 0, length) > 0, "room in the publication");
  }

  @Override
  public void close() {
    CloseHelper.closeAll(publication, aeron, driver);
  }
}
