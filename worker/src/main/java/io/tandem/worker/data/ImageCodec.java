package io.tandem.worker.data;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC1;
import static org.bytedeco.opencv.global.opencv_core.setNumThreads;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_COLOR_RGB;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_GRAYSCALE;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMWRITE_JPEG_QUALITY;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imdecode;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imencode;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_GRAY2RGB;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_RGB2BGR;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_RGB2GRAY;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_AREA;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_LINEAR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Size;

/**
 * Decodes pictures with OpenCV and brings them to the job's size: the picture is scaled until it
 * just covers the target, then its centre is cut out. Thread-safe; native memory is freed before
 * each call returns (the scopes, which nothing else refers to).
 *
 * @param height H
 * @param width W
 * @param channels C, 1 or 3
 */
record ImageCodec(int height, int width, int channels) {
  private static final int LOSSLESS_PIXELS = 48 * 48;
  private static final int THUMBNAIL_QUALITY = 85;

  static {
    // Images are spread over loading threads; OpenCV's own threads would only compete with them.
    setNumThreads(1);
  }

  /** The pixels of an encoded picture (JPEG, PNG, BMP, WebP, ...). */
  @SuppressWarnings("try")
  byte[] decode(byte[] file) throws UnreadableImageException {
    if (file.length == 0) {
      throw new UnreadableImageException("the file is empty");
    }
    if (JpegFile.isJpeg(file) && !JpegFile.isWhole(file)) {
      // OpenCV would fill the missing part with grey and say nothing.
      throw new UnreadableImageException("the JPEG file is truncated");
    }
    try (PointerScope scope = new PointerScope()) {
      Mat encoded = new Mat(1, file.length, CV_8UC1, new BytePointer(file));
      Mat picture = imdecode(encoded, channels == 1 ? IMREAD_GRAYSCALE : IMREAD_COLOR_RGB);
      if (picture == null || picture.empty()) {
        throw new UnreadableImageException("not a picture that can be decoded");
      }
      return pixels(cover(picture));
    } catch (UnreadableImageException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new UnreadableImageException("cannot be decoded: " + e.getMessage(), e);
    }
  }

  /**
   * Brings raw pixels to the job's size and channels; returns the argument if they fit already.
   *
   * @param pixels {@code rows * columns * depth} bytes, channels last
   * @param depth 1 or 3
   */
  @SuppressWarnings("try")
  byte[] fit(byte[] pixels, int rows, int columns, int depth) {
    if (rows == height && columns == width && depth == channels) {
      return pixels;
    }
    try (PointerScope scope = new PointerScope()) {
      Mat picture = new Mat(rows, columns, CV_8UC(depth), new BytePointer(pixels));
      if (depth != channels) {
        Mat converted = new Mat();
        cvtColor(picture, converted, depth == 1 ? COLOR_GRAY2RGB : COLOR_RGB2GRAY);
        picture = converted;
      }
      return pixels(cover(picture));
    }
  }

  /**
   * A JPEG file.
   *
   * @param bgr {@code rows * columns * 3} bytes, blue first
   * @param quality 1 to 100
   */
  @SuppressWarnings("try")
  static byte[] encodeJpeg(byte[] bgr, int rows, int columns, int quality) {
    try (PointerScope scope = new PointerScope()) {
      Mat picture = new Mat(rows, columns, CV_8UC(3), new BytePointer(bgr));
      return encode(".jpg", picture, new IntPointer(IMWRITE_JPEG_QUALITY, quality));
    }
  }

  /**
   * A small picture for people, scaled down to {@code side} where it is larger: PNG while that is
   * small too, else JPEG.
   *
   * @param pixels {@code H*W*C} bytes as {@link #decode} gives them
   */
  @SuppressWarnings("try")
  byte[] thumbnail(byte[] pixels, int side) {
    try (PointerScope scope = new PointerScope()) {
      Mat picture = new Mat(height, width, CV_8UC(channels), new BytePointer(pixels));
      if (channels == 3) {
        Mat converted = new Mat();
        cvtColor(picture, converted, COLOR_RGB2BGR);
        picture = converted;
      }
      double scale = (double) side / Math.max(height, width);
      if (scale < 1) {
        int rows = Math.max(1, (int) Math.round(height * scale));
        int columns = Math.max(1, (int) Math.round(width * scale));
        Mat scaled = new Mat();
        resize(picture, scaled, new Size(columns, rows), 0, 0, INTER_AREA);
        picture = scaled;
      }
      return picture.total() <= LOSSLESS_PIXELS
          ? encode(".png", picture, new IntPointer())
          : encode(".jpg", picture, new IntPointer(IMWRITE_JPEG_QUALITY, THUMBNAIL_QUALITY));
    }
  }

  private static byte[] encode(String format, Mat picture, IntPointer options) {
    BytePointer file = new BytePointer();
    if (!imencode(format, picture, file, options)) {
      throw new IllegalStateException("no encoder for " + format);
    }
    byte[] bytes = new byte[(int) file.limit()];
    file.get(bytes);
    return bytes;
  }

  private Mat cover(Mat picture) {
    int columns = picture.cols();
    int rows = picture.rows();
    if (columns == width && rows == height) {
      return picture;
    }
    double scale = Math.max((double) width / columns, (double) height / rows);
    int scaledWidth = Math.max(width, (int) Math.round(columns * scale));
    int scaledHeight = Math.max(height, (int) Math.round(rows * scale));
    Mat scaled = new Mat();
    resize(
        picture,
        scaled,
        new Size(scaledWidth, scaledHeight),
        0,
        0,
        scale < 1 ? INTER_AREA : INTER_LINEAR);
    Rect centre = new Rect((scaledWidth - width) / 2, (scaledHeight - height) / 2, width, height);
    return new Mat(scaled, centre).clone();
  }

  private byte[] pixels(Mat picture) {
    byte[] pixels = new byte[height * width * channels];
    picture.data().get(pixels);
    return pixels;
  }
}
