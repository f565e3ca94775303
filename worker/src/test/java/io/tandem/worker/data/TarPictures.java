package io.tandem.worker.data;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/** WebDataset shards for tests. */
public final class TarPictures {
  private TarPictures() {}

  /** A file of an archive. */
  static void add(TarArchiveOutputStream tar, String name, byte[] bytes) throws IOException {
    TarArchiveEntry entry = new TarArchiveEntry(name);
    entry.setSize(bytes.length);
    tar.putArchiveEntry(entry);
    tar.write(bytes);
    tar.closeArchiveEntry();
  }

  /**
   * Packs pictures in format csv, in their order, so that a sample has the same number in both.
   *
   * @param most training pictures in a shard
   */
  public static void pack(Path pictures, Path shards, int most) throws IOException {
    List<String> lines = Files.readAllLines(pictures.resolve("labels.csv"));
    List<String> rows = lines.subList(1, lines.size());
    List<String> train = rows.stream().filter(row -> !row.endsWith(",test")).toList();
    for (int from = 0; from < train.size(); from += most) {
      List<String> some = train.subList(from, Math.min(train.size(), from + most));
      pack(pictures, shards.resolve("train-%05d.tar".formatted(from)), some);
    }
    List<String> test = rows.stream().filter(row -> row.endsWith(",test")).toList();
    pack(pictures, shards.resolve("test-00000.tar"), test);
  }

  private static void pack(Path pictures, Path shard, List<String> rows) throws IOException {
    try (var tar = new TarArchiveOutputStream(Files.newOutputStream(shard))) {
      for (String row : rows) {
        String[] cells = row.split(",");
        String key = cells[0].replace(".jpg", "");
        add(tar, key + ".jpg", Files.readAllBytes(pictures.resolve(cells[0])));
        if (!cells[1].isEmpty()) {
          add(tar, key + ".cls", cells[1].getBytes(StandardCharsets.US_ASCII));
        }
      }
    }
  }
}
