package io.tandem.worker.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.job.PixelOperation;
import io.tandem.worker.random.CounterRandom;
import io.tandem.worker.random.CounterRandom.Purpose;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ViewsTest {
  private static final int SIDE = 32;

  @Test
  void shouldFlipAndMoveByWholePixels() {
    Picture picture = new Picture(new byte[] {1, 2, 3, 4, 5, 6}, 2, 3, 1);
    assertThat(picture.flipped().pixels()).containsExactly(3, 2, 1, 6, 5, 4);
    assertThat(picture.moved(0, 1).pixels()).containsExactly(-128, 1, 2, -128, 4, 5);
    assertThat(picture.moved(-1, -2).pixels()).containsExactly(6, -128, -128, -128, -128, -128);
    assertThat(picture.moved(2, 0).pixels()).containsOnly(-128);
    assertThat(picture.moved(0, -5).pixels()).containsOnly(-128);
    assertThat(picture.cutOut(0, 0, 2).pixels()).containsExactly(-128, 2, 3, 4, 5, 6);
  }

  @Test
  void shouldFillWithTheGroundOfTheImages() {
    Picture picture = new Picture(new byte[] {1, 2, 3, 4}, 2, 2, 1, (byte) 0);
    assertThat(picture.moved(0, 1).pixels()).containsExactly(0, 1, 0, 3);
    assertThat(picture.cutOut(0, 0, 2).pixels()).containsExactly(0, 2, 3, 4);
    assertThat(Warp.translate(picture, 0, 1).pixels()).containsExactly(2, 0, 4, 0);
  }

  @Test
  void shouldDrawEveryShiftOfTheWeakView() {
    DataSpec.AugmentationSpec spec =
        new DataSpec.AugmentationSpec(true, 1, 0, 0, List.of(), 0, 128);
    Picture picture = picture(3, 1);
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < 2000; i++) {
      seen.add(Arrays.toString(new Views(spec).weak(picture, random(i)).pixels()));
    }
    assertThat(seen).hasSize(2 * 3 * 3);
  }

  @Test
  void shouldLeaveAPictureAloneWhenNothingIsAsked() {
    Picture picture = picture(SIDE, 3);
    Views views = new Views(Specs.PLAIN);
    Picture view = views.strong(views.weak(picture, random(1)), random(2));
    assertThat(view.pixels()).isEqualTo(picture.pixels());
  }

  @ParameterizedTest
  @EnumSource(PixelOperation.class)
  void shouldChangeThePictureAndNotItsInput(PixelOperation operation) {
    Picture picture = picture(SIDE, 3);
    byte[] before = picture.pixels().clone();
    Picture changed = new Views(Specs.FULL).apply(operation, picture, 1, 16, 16);
    assertThat(changed.pixels()).hasSameSizeAs(before).isNotEqualTo(before);
    assertThat(picture.pixels()).isEqualTo(before);
  }

  /**
   * Pham et al.'s CIFAR setting, magnitude 16, on 32x32; beyond eight bits solarize wraps around.
   */
  @Test
  void shouldHaveTheReferencesArguments() {
    Picture p = picture(SIDE, 3);
    assertViews(p, PixelOperation.ROTATE, Warp.rotate(p, 48), Warp.rotate(p, -48));
    assertViews(p, PixelOperation.SHEAR_X, Warp.shearX(p, 0.48), Warp.shearX(p, -0.48));
    assertViews(p, PixelOperation.SHEAR_Y, Warp.shearY(p, 0.48), Warp.shearY(p, -0.48));
    assertViews(
        p, PixelOperation.TRANSLATE_X, Warp.translate(p, 0, 6.4), Warp.translate(p, 0, -6.4));
    assertViews(
        p, PixelOperation.TRANSLATE_Y, Warp.translate(p, 6.4, 0), Warp.translate(p, -6.4, 0));
    assertViews(p, PixelOperation.CUTOUT, p.cutOut(16, 16, 12), p.cutOut(16, 16, 12));
    assertViews(p, PixelOperation.COLOR, Tone.color(p, 2.98), Tone.color(p, 2.98));
    assertViews(p, PixelOperation.CONTRAST, Tone.contrast(p, 2.98), Tone.contrast(p, 2.98));
    assertViews(p, PixelOperation.BRIGHTNESS, Tone.brightness(p, 2.98), Tone.brightness(p, 2.98));
    assertViews(p, PixelOperation.SHARPNESS, Tone.sharpness(p, 2.98), Tone.sharpness(p, 2.98));
    assertViews(p, PixelOperation.POSTERIZE, Tone.posterize(p, 6), Tone.posterize(p, 6));
    assertViews(p, PixelOperation.SOLARIZE, Tone.solarize(p, 153), Tone.solarize(p, 153));
    assertViews(p, PixelOperation.INVERT, Tone.invert(p), Tone.invert(p));
    assertViews(p, PixelOperation.EQUALIZE, Tone.equalize(p), Tone.equalize(p));
    assertViews(p, PixelOperation.AUTO_CONTRAST, Tone.autoContrast(p), Tone.autoContrast(p));
    assertThat(PixelOperation.values()).hasSize(15);
  }

  private static void assertViews(
      Picture picture, PixelOperation operation, Picture positive, Picture negative) {
    Views views = new Views(Specs.FULL);
    assertThat(views.apply(operation, picture, 1, 16, 16).pixels())
        .as("%s", operation)
        .isEqualTo(positive.pixels());
    assertThat(views.apply(operation, picture, -1, 16, 16).pixels())
        .as("%s", operation)
        .isEqualTo(negative.pixels());
  }

  /** At magnitude 7: at 5, the factor of colour, contrast, brightness and sharpness is 1. */
  @Test
  void shouldDrawEveryOperationAlike() {
    Views views = new Views(new DataSpec.AugmentationSpec(false, 0, 1, 7, List.of(), 0, 128));
    Picture picture = picture(SIDE, 3);
    Map<PixelOperation, Integer> drawn = new EnumMap<>(PixelOperation.class);
    int tries = 3000;
    for (int i = 0; i < tries; i++) {
      byte[] view = views.strong(picture, random(i)).pixels();
      if (!Arrays.equals(view, picture.pixels())) {
        drawn.merge(made(views, picture, view), 1, Integer::sum);
      }
    }
    // Each 1 of 15, applied half of the time: 100 +- 10.
    assertThat(drawn).hasSize(15);
    drawn.forEach((operation, n) -> assertThat(n).as("%s", operation).isBetween(50, 150));
  }

  private static PixelOperation made(Views views, Picture picture, byte[] view) {
    for (PixelOperation operation : PixelOperation.values()) {
      for (int sign : new int[] {1, -1}) {
        if (operation != PixelOperation.CUTOUT
            && Arrays.equals(view, views.apply(operation, picture, sign, 0, 0).pixels())) {
          return operation;
        }
      }
    }
    return PixelOperation.CUTOUT; // anywhere
  }

  @Test
  void shouldLeaveGreyPicturesAloneWhenColouring() {
    Picture grey = picture(SIDE, 1);
    Views views = new Views(Specs.FULL);
    assertThat(views.apply(PixelOperation.COLOR, grey, 1, 0, 0).pixels()).isEqualTo(grey.pixels());
  }

  @Test
  void shouldTurnByNinetyDegreesExactly() {
    Picture picture = picture(5, 1);
    Picture turned = Warp.rotate(picture, 90);
    Picture back = Warp.rotate(picture, -90);
    for (int y = 0; y < 5; y++) {
      for (int x = 0; x < 5; x++) {
        // Counter-clockwise: the right edge becomes the top.
        assertThat(turned.at(y, x, 0)).isEqualTo(picture.at(x, 4 - y, 0));
        assertThat(back.at(y, x, 0)).isEqualTo(picture.at(4 - x, y, 0));
      }
    }
  }

  @Test
  void shouldInterpolateAndFillWithGrey() {
    Picture picture = new Picture(new byte[] {0, 100, (byte) 200}, 1, 3, 1);
    assertThat(Warp.translate(picture, 0, 0.5).pixels())
        .containsExactly(50, (byte) 150, (byte) 164);
    assertThat(Warp.translate(picture, 0, -2).pixels()).containsExactly((byte) 128, (byte) 128, 0);
    assertThat(Warp.shearX(picture, 0.4).pixels()).isEqualTo(picture.pixels());
  }

  @Test
  void shouldComputeTonesAsDefined() {
    Picture p = new Picture(new byte[] {50, 100, (byte) 150, (byte) 200}, 2, 2, 1);
    assertThat(unsigned(Tone.invert(p))).containsExactly(205, 155, 105, 55);
    assertThat(unsigned(Tone.posterize(p, 2))).containsExactly(0, 64, 128, 192);
    assertThat(unsigned(Tone.solarize(p, 150))).containsExactly(50, 100, 105, 55);
    assertThat(unsigned(Tone.brightness(p, 2))).containsExactly(100, 200, 255, 255);
    assertThat(unsigned(Tone.contrast(p, 2))).containsExactly(0, 75, 175, 255);
    assertThat(unsigned(Tone.autoContrast(p))).containsExactly(0, 85, 170, 255);
    Picture red = new Picture(new byte[] {(byte) 200, 0, 0}, 1, 1, 3);
    assertThat(unsigned(Tone.color(red, 0))).containsExactly(59, 59, 59);
    byte[] spike = new byte[9];
    spike[4] = (byte) 130;
    assertThat(unsigned(Tone.sharpness(new Picture(spike, 3, 3, 1), 0))[4]).isEqualTo(50);
  }

  @Test
  void shouldEqualizeToAFlatHistogram() {
    byte[] dark = new byte[64 * 64];
    for (int i = 0; i < dark.length; i++) {
      dark[i] = (byte) (i % 64);
    }
    int[] values = unsigned(Tone.equalize(new Picture(dark, 64, 64, 1)));
    assertThat(Arrays.stream(values).average().orElseThrow()).isBetween(120.0, 135.0);
    assertThat(Arrays.stream(values).max().orElseThrow()).isGreaterThan(250);
  }

  @Test
  void shouldNeverDrawExcludedOperations() {
    List<PixelOperation> allButInvert =
        Arrays.stream(PixelOperation.values())
            .filter(operation -> operation != PixelOperation.INVERT)
            .toList();
    Views views = new Views(new DataSpec.AugmentationSpec(false, 0, 1, 10, allButInvert, 0, 128));
    Picture picture = picture(SIDE, 3);
    int inverted = 0;
    for (int i = 0; i < 1000; i++) {
      byte[] view = views.strong(picture, random(i)).pixels();
      if (!Arrays.equals(view, picture.pixels())) {
        assertThat(view).isEqualTo(Tone.invert(picture).pixels());
        inverted++;
      }
    }
    // p is uniform in [0.2, 0.8]: one half on the average; 5 standard deviations are 80.
    assertThat(inverted).isBetween(420, 580);
  }

  @Test
  void shouldNormalizeByChannel() {
    Normalization normalization =
        new Normalization(List.of(0.5, 0.0, 1.0), List.of(0.5, 1.0, 2.0), 3);
    float[] out = new float[4];
    normalization.write(new Picture(new byte[] {(byte) 255, 51, 0}, 1, 1, 3), out, 1);
    assertThat(out).containsExactly(0f, 1f, 0.2f, -0.5f);
    assertThatThrownBy(() -> new Normalization(List.of(0.5), List.of(0.5), 3))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("data.channels is 3");
  }

  private static int[] unsigned(Picture picture) {
    int[] values = new int[picture.pixels().length];
    for (int i = 0; i < values.length; i++) {
      values[i] = picture.pixels()[i] & 0xFF;
    }
    return values;
  }

  private static Picture picture(int side, int channels) {
    byte[] pixels = new byte[side * side * channels];
    CounterRandom random = random(99);
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (60 + random.nextInt(120));
    }
    return new Picture(pixels, side, side, channels);
  }

  private static CounterRandom random(long key) {
    return CounterRandom.of(Purpose.WEAK_VIEW, key);
  }
}
