#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// libpng reports errors by longjmp, which must not cross Swift's frames: these functions catch it.
// What they ask of libpng, and in which order, is what OpenCV asks (its grfmt_png.cpp), so that the
// bytes are OpenCV's.

// A PNG file in memory while it is read.
typedef struct {
  png_structp png;
  png_infop info;
  const unsigned char *next;
  size_t left;
  // How many rows and columns the picture has, and where its EXIF is, if it has any.
  png_uint_32 height, width;
  const unsigned char *exif;
  png_uint_32 exif_length;
  // What went wrong.
  char message[128];
} PNGReading;

static inline void png_reading_failed(png_structp png, png_const_charp message) {
  PNGReading *reading = png_get_error_ptr(png);
  snprintf(reading->message, sizeof reading->message, "%s", message);
  png_longjmp(png, 1);
}

static inline void png_reading_warned(png_structp png, png_const_charp message) {}

static inline void png_reading_took(png_structp png, png_bytep bytes, size_t count) {
  PNGReading *reading = png_get_io_ptr(png);
  if (count > reading->left) png_error(png, "the file ends too soon");
  memcpy(bytes, reading->next, count);
  reading->next += count;
  reading->left -= count;
}

// Reads what stands before the pixels. Returns 0 when that fails.
static inline int png_reading_begin(PNGReading *reading, const unsigned char *file, size_t length) {
  memset(reading, 0, sizeof *reading);
  reading->next = file;
  reading->left = length;
  reading->png = png_create_read_struct(
      PNG_LIBPNG_VER_STRING, reading, png_reading_failed, png_reading_warned);
  if (reading->png == NULL) return 0;
  reading->info = png_create_info_struct(reading->png);
  if (reading->info == NULL) return 0;
  if (setjmp(png_jmpbuf(reading->png))) return 0;
  png_set_read_fn(reading->png, reading, png_reading_took);
  png_read_info(reading->png, reading->info);
  reading->height = png_get_image_height(reading->png, reading->info);
  reading->width = png_get_image_width(reading->png, reading->info);
  return 1;
}

// Reads the pixels: a byte each for gray, or three for red, green and blue, without gaps. Returns 0
// when that fails. Room for row pointers comes from the caller: `height` of them.
static inline int png_reading_finish(
    PNGReading *reading, int in_gray, unsigned char *pixels, unsigned char **rows) {
  if (setjmp(png_jmpbuf(reading->png))) return 0;
  png_structp png = reading->png;
  int colour = png_get_color_type(png, reading->info);
  int depth = png_get_bit_depth(png, reading->info);
  if (depth == 16) png_set_strip_16(png);
  png_set_strip_alpha(png);
  if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (!(colour & PNG_COLOR_MASK_COLOR) && depth < 8) png_set_expand_gray_1_2_4_to_8(png);
  if (in_gray)
    png_set_rgb_to_gray(png, PNG_ERROR_ACTION_NONE, 0.299, 0.587);
  else if (!(colour & PNG_COLOR_MASK_COLOR))
    png_set_gray_to_rgb(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, reading->info);
  size_t length = (size_t)reading->width * (in_gray ? 1 : 3);
  if (png_get_rowbytes(png, reading->info) != length) png_error(png, "rows of another length");
  for (png_uint_32 y = 0; y < reading->height; y++) rows[y] = pixels + y * length;
  png_read_image(png, rows);
  png_read_end(png, reading->info);
#ifdef PNG_eXIf_SUPPORTED
  png_bytep exif = NULL;
  if (png_get_eXIf_1(png, reading->info, &reading->exif_length, &exif)) reading->exif = exif;
#endif
  return 1;
}

static inline void png_reading_end(PNGReading *reading) {
  if (reading->png != NULL) png_destroy_read_struct(&reading->png, &reading->info, NULL);
}
