package io.tandem.worker.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;

/**
 * A picture in an archive.
 *
 * @param name of archive and file, for people
 * @param offset of its first byte in the archive
 * @param size in bytes
 */
record TarPicture(Path archive, String name, long offset, int size, int label)
    implements EncodedPictures.Entry {

  static ImageSource source(List<TarPicture> entries, ImageCodec codec) {
    return new EncodedPictures<>(entries, TarPicture::read, codec);
  }

  private byte[] read() throws IOException, UnreadableImageException {
    ByteBuffer bytes = ByteBuffer.allocate(size);
    try (FileChannel channel = FileChannel.open(archive)) {
      while (bytes.hasRemaining()) {
        if (channel.read(bytes, offset + bytes.position()) < 0) {
          throw new UnreadableImageException("the archive ends before it");
        }
      }
    }
    return bytes.array();
  }
}
