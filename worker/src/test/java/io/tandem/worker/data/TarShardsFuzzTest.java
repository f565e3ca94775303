package io.tandem.worker.data;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.fuzz.Bounded;
import io.tandem.protocol.fuzz.Fuzz;
import io.tandem.protocol.fuzz.Hostile;
import io.tandem.protocol.fuzz.Scratch;
import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.job.DataSpec.Format;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterTry;
import net.jqwik.api.lifecycle.BeforeTry;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Of archives exactly the sound ones are taken, as what they hold; others are refused in words. */
class TarShardsFuzzTest {
  private static final int CLASSES = 3;
  private static final int SIDE = 4;
  private static final int BLOCK = 512;
  private static final long LITTLE = 32L << 20;
  private static final ImageCodec CODEC = new ImageCodec(SIDE, SIDE, 3);
  private static final byte[] PICTURE =
      ImageCodec.encodeJpeg(new byte[SIDE * SIDE * 3], SIDE, SIDE, 90);
  private static final List<String> KEYS = List.of("a", "b", "c", "some/dir.x/a", "some/dir.x/b");
  private static final List<String> EXTENSIONS =
      List.of("jpg", "jpg", "JPEG", "png", "cls", "cls", "cls", "json", "seg.jpg");
  private static final List<String> CLASS_TEXTS =
      List.of("0", "1", "2", "1\n", " 2 ", "3", "-1", "", "x", "1.0", "99999999999", "1 2");

  private Path directory;

  /** A file of an archive. */
  private record Member(String name, byte[] bytes) {
    String key() {
      return name.substring(0, name.indexOf('.', name.lastIndexOf('/') + 1));
    }

    String extension() {
      return name.substring(key().length() + 1).toLowerCase();
    }

    boolean isPicture() {
      return Set.of("jpg", "jpeg", "png").contains(extension());
    }
  }

  @BeforeTry
  @BeforeEach
  void write() throws IOException {
    directory = Scratch.directory();
    Files.write(
        directory.resolve("test.tar"),
        archive(List.of(new Member("t.jpg", PICTURE), new Member("t.cls", new byte[] {'0'}))));
  }

  @AfterTry
  @AfterEach
  void remove() throws IOException {
    Files.deleteIfExists(directory.resolve("train.tar"));
    Files.delete(directory.resolve("test.tar"));
    Files.delete(directory);
  }

  private static byte[] archive(List<Member> members) {
    var out = new ByteArrayOutputStream();
    try (var tar = new TarArchiveOutputStream(out, "UTF-8")) {
      for (Member member : members) {
        TarArchiveEntry entry = new TarArchiveEntry(member.name());
        entry.setSize(member.bytes().length);
        entry.setModTime(0);
        tar.putArchiveEntry(entry);
        tar.write(member.bytes());
        tar.closeArchiveEntry();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  private DataSpec spec() {
    return Specs.of(Format.TAR, directory, SIDE, 3, CLASSES, 0);
  }

  @Provide
  Arbitrary<Long> seeds() {
    return Arbitraries.randomValue(Random::nextLong);
  }

  @Fuzz
  void shouldTakeSoundArchivesAndNoOthers(@ForAll("seeds") long seed) throws IOException {
    Random random = new Random(seed);
    List<Member> members = members(random);
    boolean test = random.nextInt(4) == 0;
    Files.write(directory.resolve(test ? "test.tar" : "train.tar"), archive(members));
    if (test) {
      Files.write(directory.resolve("train.tar"), archive(List.of(new Member("t.jpg", PICTURE))));
    }
    Map<String, Integer> expected = expected(members, test);
    Bounded.run(
        LITTLE,
        () -> {
          if (expected == null) {
            assertThatThrownBy(() -> DataSet.open(spec()))
                .as("%s", members)
                .isInstanceOf(DataException.class);
            return;
          }
          DataSet read = DataSet.open(spec());
          ImageSource source = test ? read.test() : read.train();
          List<String> names = new ArrayList<>(expected.keySet());
          assertThat(source.count()).isEqualTo(names.size());
          for (int i = 0; i < names.size(); i++) {
            assertThat(source.name(i)).endsWith("/" + names.get(i));
            assertThat(source.label(i)).isEqualTo(expected.get(names.get(i)));
            assertThat(source.decode(i)).isEqualTo(CODEC.decode(PICTURE));
          }
        });
  }

  private static List<Member> members(Random random) {
    List<Member> members = new ArrayList<>();
    for (int i = 1 + random.nextInt(5); i > 0; i--) {
      String name =
          KEYS.get(random.nextInt(KEYS.size()))
              + "."
              + EXTENSIONS.get(random.nextInt(EXTENSIONS.size()));
      if (random.nextInt(3) > 0 && members.stream().anyMatch(m -> m.name().equals(name))) {
        continue;
      }
      int sound = random.nextInt(4) > 0 ? 5 : CLASS_TEXTS.size();
      String text = CLASS_TEXTS.get(random.nextInt(sound));
      String padded = random.nextInt(20) == 0 ? text + " ".repeat(18 + random.nextInt(4)) : text;
      members.add(new Member(name, name.endsWith("cls") ? padded.getBytes(US_ASCII) : PICTURE));
    }
    return members;
  }

  /** By name, the label of each picture; null where the archive is to be refused. */
  private static Map<String, Integer> expected(List<Member> members, boolean test) {
    Map<String, Integer> labels = new LinkedHashMap<>();
    Map<String, String> classes = new LinkedHashMap<>();
    Set<String> keys = new HashSet<>();
    for (Member member : members) {
      if (member.extension().equals("cls")
          && classes.put(member.key(), new String(member.bytes(), US_ASCII)) != null) {
        return null;
      }
      if (member.isPicture() && !keys.add(member.key())) {
        return null;
      }
    }
    for (Member member : members) {
      if (member.isPicture()) {
        String text = classes.get(member.key());
        if (text == null && test) {
          return null;
        }
        if (text != null && !(text.length() <= 20 && text.strip().matches("[+]?0*[012]"))) {
          return null;
        }
        labels.put(
            member.name(), text == null ? ImageSource.UNLABELED : Integer.parseInt(text.strip()));
      }
    }
    return labels.isEmpty() ? null : labels;
  }

  /** Headers with an extreme field and a right checksum, files cut off, parts repeated or noise. */
  @Provide
  Arbitrary<byte[]> archives() {
    byte[] sound =
        archive(
            List.of(
                new Member("a.jpg", PICTURE),
                new Member("a.cls", new byte[] {'1'}),
                new Member("b.jpg", PICTURE)));
    Hostile any = Hostile.of(sound);
    return Arbitraries.randomValue(
        random ->
            switch (random.nextInt(4)) {
              case 0 -> any.next(random);
              case 1 -> Arrays.copyOf(sound, random.nextInt(sound.length));
              default -> withField(sound.clone(), random);
            });
  }

  private static final List<String> SIZES =
      List.of("00000000000", "77777777777", "-0000000001", "00000001000", "\u0080", "9", " ");
  private static final String TYPES = "01234567xgLKSVX\0";

  private static byte[] withField(byte[] archive, Random random) {
    int header = random.nextBoolean() ? 0 : BLOCK * (1 + (PICTURE.length + BLOCK - 1) / BLOCK);
    byte[] size = SIZES.get(random.nextInt(SIZES.size())).getBytes(US_ASCII);
    switch (random.nextInt(5)) {
      case 0, 1 -> System.arraycopy(size, 0, archive, header + 124, size.length);
      case 2 -> archive[header + 156] = (byte) TYPES.charAt(random.nextInt(TYPES.length()));
      case 3 -> archive[header + 124] = (byte) (0x80 | random.nextInt(128)); // base 256
      default -> archive[header + random.nextInt(BLOCK)] = (byte) random.nextInt();
    }
    check(archive, header);
    return archive;
  }

  /** Puts the right checksum into a header. */
  private static void check(byte[] archive, int header) {
    Arrays.fill(archive, header + 148, header + 156, (byte) ' ');
    int sum = 0;
    for (int i = 0; i < BLOCK; i++) {
      sum += archive[header + i] & 0xFF;
    }
    byte[] told = String.format("%06o\0 ", sum).getBytes(US_ASCII);
    System.arraycopy(told, 0, archive, header + 148, told.length);
  }

  @Fuzz
  void shouldReadOrRefuseAnyArchive(@ForAll("archives") byte[] archive) throws IOException {
    Files.write(directory.resolve("train.tar"), archive);
    Bounded.run(
        LITTLE,
        () -> {
          DataSet read;
          try {
            read = DataSet.open(spec());
          } catch (DataException e) {
            assertThat(e.getMessage()).isNotBlank();
            return;
          }
          ImageSource train = read.train();
          for (int i = 0; i < Math.min(5, train.count()); i++) {
            assertThat(train.label(i)).isBetween(ImageSource.UNLABELED, CLASSES - 1);
            try {
              assertThat(train.decode(i)).hasSize(SIDE * SIDE * 3);
            } catch (UnreadableImageException e) {
              assertThat(e.getMessage()).isNotBlank();
            }
          }
        });
  }

  @Test
  void shouldRefuseAPictureLargerThanAny() throws IOException {
    Path train = directory.resolve("train.tar");
    byte[] sound = archive(List.of(new Member("huge.jpg", PICTURE)));
    long size = (64L << 20) + 1;
    System.arraycopy(String.format("%011o", size).getBytes(US_ASCII), 0, sound, 124, 11);
    check(sound, 0);
    try (var file = new RandomAccessFile(train.toFile(), "rw")) {
      file.write(sound, 0, BLOCK);
      file.setLength(BLOCK + (size / BLOCK + 1) * BLOCK + 2 * BLOCK);
    }
    assertThatThrownBy(() -> DataSet.open(spec()))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("huge.jpg has 67108865 bytes, allowed are 67108864");
  }
}
