//! Writing a PNG: the few chunks that a picture in plain RGB needs.

use miniz_oxide::deflate::compress_to_vec_zlib;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Prefix of a row of pixels: as they are, without a prediction.
const NO_FILTER: u8 = 0;

/// How hard to compress: a plot is mostly white, so more brings nothing.
const LEVEL: u8 = 6;

/// A PNG of these pixels, three bytes each, row by row.
pub fn encode(width: u32, height: u32, pixels: &[u8]) -> Vec<u8> {
    let row = 3 * width as usize;
    let mut filtered = Vec::with_capacity(pixels.len() + height as usize);
    for row in pixels.chunks(row.max(1)) {
        filtered.push(NO_FILTER);
        filtered.extend_from_slice(row);
    }
    let mut header = Vec::new();
    header.extend_from_slice(&width.to_be_bytes());
    header.extend_from_slice(&height.to_be_bytes());
    // 8 bits a sample, RGB; the one compression, filter method and interlacing that is simplest.
    header.extend_from_slice(&[8, 2, 0, 0, 0]);
    // Dots a metre: 1800 of them on 6 inches, as a report prints a plot.
    let mut size = Vec::new();
    size.extend_from_slice(&11_811_u32.to_be_bytes());
    size.extend_from_slice(&11_811_u32.to_be_bytes());
    size.push(1);
    let mut png = SIGNATURE.to_vec();
    chunk(&mut png, b"IHDR", &header);
    chunk(&mut png, b"pHYs", &size);
    chunk(&mut png, b"IDAT", &compress_to_vec_zlib(&filtered, LEVEL));
    chunk(&mut png, b"IEND", &[]);
    png
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    png.extend_from_slice(&(data.len() as u32).to_be_bytes());
    let start = png.len();
    png.extend_from_slice(kind);
    png.extend_from_slice(data);
    let sum = crc32fast::hash(&png[start..]);
    png.extend_from_slice(&sum.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chunks_are_whole_and_the_pixels_come_back() {
        let pixels: Vec<u8> = (0..2 * 3 * 3).collect();
        let png = encode(3, 2, &pixels);
        let mut rest = png.strip_prefix(SIGNATURE).unwrap();
        let mut chunks = Vec::new();
        while !rest.is_empty() {
            let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
            let (whole, after) = rest.split_at(length + 12);
            let sum = u32::from_be_bytes(whole[length + 8..].try_into().unwrap());
            assert_eq!(sum, crc32fast::hash(&whole[4..length + 8]));
            chunks.push((&whole[4..8], &whole[8..length + 8]));
            rest = after;
        }
        let names: Vec<&[u8]> = chunks.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, [b"IHDR", b"pHYs", b"IDAT", b"IEND"]);
        assert_eq!(chunks[0].1, [0, 0, 0, 3, 0, 0, 0, 2, 8, 2, 0, 0, 0]);
        let filtered = miniz_oxide::inflate::decompress_to_vec_zlib(chunks[2].1).unwrap();
        let rows: Vec<&[u8]> = filtered.chunks(10).collect();
        assert_eq!(rows.len(), 2);
        assert_eq!([&rows[0][1..], &rows[1][1..]].concat(), pixels);
        assert!(rows.iter().all(|row| row[0] == NO_FILTER));
    }
}
