//! One image file to bytes: decoded, grey or red, green and blue, of the size that an input has.
//!
//! Transparent pixels lie over white. Grey is 0.299 R + 0.587 G + 0.114 B, as in PIL. Numbers of 16 bits become 8. An image
//! that its camera turned (EXIF) is turned upright. Resizing is bilinear, over all pixels that a smaller image covers.

use std::fs::{self, File};
use std::io::{BufReader, ErrorKind};
use std::path::Path;

use image::imageops::{FilterType, resize};
use image::{DynamicImage, ImageBuffer, ImageDecoder, ImageReader, Limits, Luma, Rgb};

use super::options::Resize;
use super::stored::sizes;
use crate::error::Problem;

/// Endings of the names of image files.
pub(super) const ENDINGS: [&str; 4] = [".png", ".jpg", ".jpeg", ".bmp"];

/// The most pixels of an image that is decoded: a file of a few bytes may promise any number.
const MOST_PIXELS: u64 = 100_000_000;

/// An image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Picture {
    /// `[H, W, C]`
    pub(super) shape: [usize; 3],
    pub(super) bytes: Vec<u8>,
}

/// What the images of a column become.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    /// `[H, W, C]`; none: that of the first image.
    pub(super) shape: Option<[usize; 3]>,
    /// How others get this size; none: they are errors.
    pub(super) resize: Option<Resize>,
}

/// Whether a file is an image by its name.
pub(super) fn has_image_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let ends = |end: &&str| {
        bytes.len() > end.len() && bytes[bytes.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
    };
    ENDINGS.iter().any(ends)
}

impl Picture {
    /// Decodes a file, with one channel for grey images and three for others, or as many as `form` has.
    ///
    /// # Errors
    /// What is wrong with it, without its place.
    pub(super) fn read(path: &Path, form: &Form) -> Result<Picture, Problem> {
        let found = fs::metadata(path).map_err(|e| unreadable(&e))?;
        if !found.is_file() {
            return Err(Problem::new("", "this is no file").expected("an image"));
        }
        let broken = |e: image::ImageError| {
            Problem::new("", format!("the image cannot be read: {e}"))
                .help("copy or download the image again")
        };
        let file = BufReader::new(File::open(path).map_err(|e| unreadable(&e))?);
        // By what is in it: many files are called .png and are none.
        let mut reader = ImageReader::new(file).with_guessed_format().map_err(|e| unreadable(&e))?;
        if reader.format().is_none() {
            return Err(Problem::new("", "no image").expected("a PNG, JPEG or BMP file"));
        }
        reader.limits(Limits::default());
        let mut decoder = reader.into_decoder().map_err(broken)?;
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > MOST_PIXELS {
            return Err(Problem::new("", format!("an image of {width} x {height} pixels"))
                .expected("at most 100 million pixels"));
        }
        let orientation = decoder.orientation().map_err(broken)?;
        let mut image = DynamicImage::from_decoder(decoder).map_err(broken)?;
        image.apply_orientation(orientation);
        let picture = Picture::new(image, form.shape.map(|shape| shape[2]));
        Ok(match form {
            Form { shape: Some(shape), resize: Some(how) } => picture.resized(*shape, *how),
            _ => picture,
        })
    }

    fn new(image: DynamicImage, channels: Option<usize>) -> Picture {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let (colour, alpha) = (image.color().has_color(), image.color().has_alpha());
        let bytes = match (colour, alpha) {
            (false, false) => image.into_luma8().into_raw(),
            (false, true) => over_white::<2>(&image.into_luma_alpha8().into_raw()),
            (true, false) => image.into_rgb8().into_raw(),
            (true, true) => over_white::<4>(&image.into_rgba8().into_raw()),
        };
        let own = if colour { 3 } else { 1 };
        Picture { shape: [height, width, own], bytes }.with_channels(channels.unwrap_or(own))
    }

    /// Grey or coloured.
    pub(super) fn with_channels(self, channels: usize) -> Picture {
        let [height, width, own] = self.shape;
        let bytes = match (own, channels) {
            (1, 3) => self.bytes.iter().flat_map(|&grey| [grey; 3]).collect(),
            (3, 1) => self.bytes.as_chunks::<3>().0.iter().map(|&rgb| grey(rgb)).collect(),
            _ => return self,
        };
        Picture { shape: [height, width, channels], bytes }
    }

    /// Of the size `[H, W, C]`; one channel or three.
    pub(super) fn resized(self, shape: [usize; 3], how: Resize) -> Picture {
        let picture = self.with_channels(shape[2]);
        let ([height, width, channels], [to_height, to_width, _]) = (picture.shape, shape);
        if [height, width] == [to_height, to_width] {
            return picture;
        }
        let scaled = |part: f64, to: usize| ((part * to as f64).round() as usize).clamp(1, to.max(1));
        let (across, down) = (to_width as f64 / width as f64, to_height as f64 / height as f64);
        match how {
            Resize::Stretch => picture.scaled(to_height, to_width),
            Resize::Crop => {
                let larger = across.max(down);
                let (h, w) = (scaled(down / larger, height), scaled(across / larger, width));
                let (top, left) = ((height - h) / 2, (width - w) / 2);
                let rows = picture.bytes.chunks_exact(width * channels).skip(top).take(h);
                let bytes =
                    rows.flat_map(|row| &row[left * channels..(left + w) * channels]).copied().collect();
                Picture { shape: [h, w, channels], bytes }.scaled(to_height, to_width)
            }
            Resize::Pad => {
                let smaller = across.min(down);
                let (h, w) = (scaled(smaller / down, to_height), scaled(smaller / across, to_width));
                let (top, left) = ((to_height - h) / 2, (to_width - w) / 2);
                let small = picture.scaled(h, w);
                let mut bytes = vec![0; to_height * to_width * channels];
                let rows = bytes.chunks_exact_mut(to_width * channels).skip(top);
                for (out, row) in rows.zip(small.bytes.chunks_exact(w * channels)) {
                    out[left * channels..(left + w) * channels].copy_from_slice(row);
                }
                Picture { shape, bytes }
            }
        }
    }

    /// Stretched.
    fn scaled(self, height: usize, width: usize) -> Picture {
        let [from_height, from_width, channels] = self.shape;
        let (w, h) = (from_width as u32, from_height as u32);
        let (to_w, to_h) = (width as u32, height as u32);
        let filter = FilterType::Triangle;
        let bytes = match channels {
            1 => ImageBuffer::<Luma<u8>, _>::from_raw(w, h, self.bytes)
                .map(|image| resize(&image, to_w, to_h, filter).into_raw()),
            _ => ImageBuffer::<Rgb<u8>, _>::from_raw(w, h, self.bytes)
                .map(|image| resize(&image, to_w, to_h, filter).into_raw()),
        };
        let bytes = bytes.unwrap_or_else(|| unreachable!("the bytes of an image of this size"));
        Picture { shape: [height, width, channels], bytes }
    }

    /// `32 x 24 pixels, grey`
    pub(super) fn describe(shape: [usize; 3]) -> String {
        let [height, width, channels] = shape;
        format!("{} pixels, {}", sizes([width, height]), if channels == 1 { "grey" } else { "RGB" })
    }
}

/// Pixels whose last number is their opacity, without it.
fn over_white<const N: usize>(pixels: &[u8]) -> Vec<u8> {
    let blend = |x: u8, alpha: u8| {
        let (x, alpha) = (u32::from(x), u32::from(alpha));
        ((x * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let (pixels, _) = pixels.as_chunks::<N>();
    pixels.iter().flat_map(|pixel| pixel[..N - 1].iter().map(|&x| blend(x, pixel[N - 1]))).collect()
}

/// As PIL rounds it.
fn grey([r, g, b]: [u8; 3]) -> u8 {
    ((u32::from(r) * 19595 + u32::from(g) * 38470 + u32::from(b) * 7471 + 0x8000) >> 16) as u8
}

fn unreadable(e: &std::io::Error) -> Problem {
    match e.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Problem::new("", "there is no such image"),
        ErrorKind::PermissionDenied => Problem::new("", "no permission to read the image"),
        _ => Problem::new("", format!("the image cannot be read: {e}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey_picture(shape: [usize; 2], bytes: &[u8]) -> Picture {
        Picture { shape: [shape[0], shape[1], 1], bytes: bytes.to_vec() }
    }

    #[test]
    fn names_tell_images() {
        assert!(["a.png", "b/C.JPG", ".x.jpeg", "q.bmp"].iter().all(|n| has_image_name(n)));
        assert!(["png", ".png", "a.gif", "", "é"].iter().all(|n| !has_image_name(n)));
    }

    #[test]
    fn transparent_pixels_lie_over_white_and_grey_is_that_of_pil() {
        assert_eq!(over_white::<4>(&[10, 20, 30, 255, 10, 20, 30, 0]), [10, 20, 30, 255, 255, 255]);
        assert_eq!(over_white::<2>(&[0, 128]), [127]);
        // Image.new("RGB", (1, 1), (10, 200, 90)).convert("L")
        assert_eq!([grey([10, 200, 90]), grey([255; 3]), grey([0, 0, 255])], [131, 255, 29]);
    }

    #[test]
    fn a_size_is_reached_in_three_ways() {
        let picture = grey_picture([2, 4], &[1, 2, 3, 4, 5, 6, 7, 8]);
        let to = |how| picture.clone().resized([2, 2, 1], how).bytes;
        assert_eq!(to(Resize::Crop), [2, 3, 6, 7]);
        let stretched = to(Resize::Stretch);
        assert!(stretched[0] < stretched[1] && stretched[0] < stretched[2], "{stretched:?}");
        let padded = grey_picture([1, 2], &[9, 9]).resized([2, 2, 1], Resize::Pad);
        assert_eq!((padded.shape, padded.bytes), ([2, 2, 1], vec![9, 9, 0, 0]));
        let thin = grey_picture([1, 1000], &[7; 1000]);
        for how in [Resize::Crop, Resize::Stretch, Resize::Pad] {
            assert_eq!(thin.clone().resized([3, 2, 3], how).bytes.len(), 18);
        }
    }

    #[test]
    fn a_file_that_promises_too_much_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bomb.bmp");
        let mut bmp = b"BM".to_vec();
        bmp.extend([0; 8]);
        bmp.extend(54u32.to_le_bytes());
        bmp.extend(40u32.to_le_bytes());
        bmp.extend(60_000u32.to_le_bytes());
        bmp.extend(60_000u32.to_le_bytes());
        bmp.extend([1, 0, 24, 0]);
        bmp.extend([0; 24]);
        std::fs::write(&path, bmp).unwrap();
        let problem = Picture::read(&path, &Form::default()).unwrap_err();
        assert_eq!(problem.what, "an image of 60000 x 60000 pixels");
    }
}
