//! The scale of an axis: where a value is on it, and which values are written at it.

/// From values to units of the canvas.
pub struct Scale {
    low: f64,
    high: f64,
    is_logarithmic: bool,
    from: f64,
    /// The place of the greatest value.
    pub to: f64,
}

impl Scale {
    /// From the least of these values to the greatest, between two places on the canvas.
    pub fn linear(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Scale {
        let (low, high) = range(values);
        let room = ((high - low) * 0.03).max(0.5);
        Scale {
            low: low - room,
            high: high + room,
            is_logarithmic: false,
            from,
            to,
        }
    }

    /// The same where equal factors are equal distances, with room above and below, and over a factor
    /// of ten at least.
    pub fn logarithmic(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Scale {
        let (low, high) = range(values.filter(|value| *value > 0.0));
        let (mut low, mut high) = (low / 1.25, high * 1.25);
        if high / low < 10.0 {
            let middle = (low * high).sqrt();
            (low, high) = (middle / 10_f64.sqrt(), middle * 10_f64.sqrt());
        }
        Scale {
            low,
            high,
            is_logarithmic: true,
            from,
            to,
        }
    }

    /// The place of a value; one that is beyond the axis is at its end.
    pub fn place(&self, value: f64) -> f64 {
        let part = if self.is_logarithmic {
            (value.max(f64::MIN_POSITIVE) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from + (self.to - self.from) * part.clamp(0.0, 1.0)
    }

    /// The values that are written at the axis.
    pub fn ticks(&self) -> Vec<f64> {
        if self.is_logarithmic {
            return self.logarithmic_ticks();
        }
        let step = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]
            .into_iter()
            .find(|step| (self.high - self.low) / step <= 12.0)
            .unwrap_or(200.0);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        (first..=last).map(|tick| tick as f64 * step).collect()
    }

    fn logarithmic_ticks(&self) -> Vec<f64> {
        let decades = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
        let wide = (self.high / self.low).log10() > 4.5;
        let digits: &[f64] = if wide { &[1.0] } else { &[1.0, 2.0, 5.0] };
        decades
            .flat_map(|decade| digits.iter().map(move |digit| digit * 10_f64.powi(decade)))
            .filter(|tick| (self.low..=self.high).contains(tick))
            .collect()
    }
}

/// The least and the greatest of what is finite; 1 and 10 where there is nothing.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let mut range = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.filter(|value| value.is_finite()) {
        range = (range.0.min(value), range.1.max(value));
    }
    if range.0 > range.1 {
        (1.0, 10.0)
    } else {
        range
    }
}

/// A tick without needless digits.
pub fn plain(tick: f64) -> String {
    let size = tick.abs();
    if size != 0.0 && !(1e-4..1e7).contains(&size) {
        return format!("{tick:.0e}");
    }
    let decimals = if size == 0.0 || size >= 1.0 {
        0
    } else {
        -size.log10().floor() as usize
    };
    let text = format!("{tick:.decimals$}");
    // 2.5 is no tick of a logarithmic axis, but 0.5 and 2.5 may be of a linear one.
    if (text.parse::<f64>().unwrap_or(tick) - tick).abs() > size * 1e-6 {
        return format!("{tick:.1}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_within_the_range() {
        let linear = Scale::linear([0.0, 90.0].into_iter(), 0.0, 100.0);
        assert_eq!(
            linear.ticks(),
            [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0]
        );
        let logarithmic = Scale::logarithmic([1.0, 90.0].into_iter(), 0.0, 100.0);
        assert_eq!(
            logarithmic.ticks(),
            [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]
        );
        let written: Vec<String> = [0.0, 0.5, 2.5, 10.0, 2000.0, 0.001, 1e8]
            .into_iter()
            .map(plain)
            .collect();
        assert_eq!(written, ["0", "0.5", "2.5", "10", "2000", "0.001", "1e8"]);
    }

    #[test]
    fn a_value_beyond_the_axis_stays_at_its_end() {
        let scale = Scale::logarithmic([1.0, 100.0].into_iter(), 0.0, 100.0);
        assert_eq!(scale.place(f64::INFINITY), 100.0);
        assert_eq!(scale.place(0.0), 0.0);
        assert!((scale.place(10.0) - 50.0).abs() < 1e-9);
    }
}
