//! Words that fit: how wide text is at most, how it is shortened, how it is escaped. Everything shown passes here.

use crate::domain::escape_line;
use crate::limits::PICTURE_TEXT_CHARS_MAX;
use std::fmt::Write as _;

/// Sizes of letters, in pixels.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Letters {
    /// The picture's title, bold.
    Title,
    /// The name of a node, bold.
    Label,
    /// What stands under it.
    Small,
}

impl Letters {
    /// Their size, as it is written.
    pub(super) fn size(self) -> i64 {
        match self {
            Letters::Title => 18,
            Letters::Label => 13,
            Letters::Small => 11,
        }
    }

    fn is_bold(self) -> bool {
        match self {
            Letters::Title | Letters::Label => true,
            Letters::Small => false,
        }
    }
}

/// Foreign text, harmless and of bounded length: what is too long loses its middle.
pub(super) fn harmless(text: &str) -> String {
    let count = text.chars().count();
    if count <= PICTURE_TEXT_CHARS_MAX {
        return escape_line(text);
    }
    let half = PICTURE_TEXT_CHARS_MAX / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(count - half).collect();
    escape_line(&format!("{head}…{tail}"))
}

/// Harmless text with its middle left out, so that it is no wider than so many pixels.
pub(super) fn shorten(text: &str, letters: Letters, pixels_max: i64) -> String {
    if width(text, letters) <= pixels_max {
        return text.to_owned();
    }
    let widths: Vec<(char, i64)> = text.chars().map(|c| (c, thousandths(c, letters))).collect();
    let room = (pixels_max * 1000 - thousandths('…', letters)).max(0);
    let take = |letters: &mut dyn Iterator<Item = &(char, i64)>, room: i64| {
        let mut used = 0;
        letters
            .take_while(|(_, width)| {
                used += width;
                used <= room
            })
            .map(|(c, _)| *c)
            .collect::<String>()
    };
    // The end of a name tells versions and files apart, so it keeps nearly half.
    let head = take(&mut widths.iter(), room * 11 / 20);
    let tail = take(&mut widths.iter().rev(), room * 9 / 20);
    format!("{}…{}", head.trim_end(), tail.chars().rev().collect::<String>().trim_start())
}

/// The width of text in pixels, in the widest of the usual system fonts.
pub(super) fn width(text: &str, letters: Letters) -> i64 {
    text.chars().map(|c| thousandths(c, letters)).sum::<i64>().div_euclid(1000) + 1
}

/// The width of one letter in thousandths of a pixel.
fn thousandths(c: char, letters: Letters) -> i64 {
    let widths = if letters.is_bold() { &BOLD } else { &REGULAR };
    let ascii = usize::try_from(u32::from(c)).ok().and_then(|c| c.checked_sub(32)).and_then(|c| widths.get(c).copied());
    let em = ascii.unwrap_or(match c {
        '·' => 380,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}' => 0,
        '\u{80}'..='\u{2ff}' => 850,
        '\u{1f000}'.. => 1300,
        _ => 1050,
    });
    em * letters.size()
}

/// Thousandths of the letters' size, from the space to the tilde, as measured in DejaVu Sans: of the fonts that systems
/// bring, it is the widest.
const REGULAR: [i64; 95] = [
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636, 636, 636,
    636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863,
    748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635,
    615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636,
    337, 636, 838,
];

/// The same in bold.
const BOLD: [i64; 95] = [
    348, 456, 521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415, 380, 365, 696, 696, 696, 696, 696, 696, 696,
    696, 696, 696, 400, 400, 838, 838, 838, 580, 1000, 774, 762, 734, 830, 683, 683, 821, 837, 372, 372, 775, 637, 995,
    837, 850, 733, 850, 770, 720, 682, 812, 774, 1103, 771, 724, 725, 457, 365, 457, 838, 500, 500, 675, 716, 593, 716,
    678, 435, 716, 712, 343, 343, 665, 343, 1042, 712, 687, 716, 716, 493, 595, 478, 712, 652, 924, 645, 652, 582, 712,
    365, 712, 838,
];

/// Text for XML, in content and in attributes.
pub(super) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML 1.0 has no way to hold these.
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count of things, in the singular or the plural.
pub(super) fn counted(number: usize, thing: &str) -> String {
    let many = match thing {
        "person" => "people".to_owned(),
        _ if thing.ends_with('y') => format!("{}ies", thing.trim_end_matches('y')),
        _ => format!("{thing}s"),
    };
    let number = u64::try_from(number).unwrap_or(u64::MAX);
    format!("{} {}", grouped(number), if number == 1 { thing } else { &many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_lose_their_middle() {
        let name = "warehouse.analytics.customers_by_region_2026_11";
        let short = shorten(name, Letters::Label, 150);
        assert!(width(&short, Letters::Label) <= 150, "{short}");
        assert!(short.starts_with("ware") && short.ends_with("_11") && short.contains('…'), "{short}");
        assert_eq!(shorten("orders", Letters::Label, 150), "orders");
        assert_eq!(shorten("orders", Letters::Label, 0), "…");
    }

    #[test]
    fn xml_holds_any_text() {
        assert_eq!(xml("<a b='\"'>&"), "&lt;a b=&#39;&quot;&#39;&gt;&amp;");
        assert_eq!(xml("a\u{0}\u{ffff}"), "a\\u{0}\\u{ffff}");
        assert_eq!(harmless("x\u{202e}y\n"), "x\\u{202e}y\\n");
        assert!(harmless(&"x".repeat(1_000_000)).chars().count() <= PICTURE_TEXT_CHARS_MAX + 1);
    }

    #[test]
    fn numbers_are_read_in_threes() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(12), "12");
        assert_eq!(counted(1, "person"), "1 person");
        assert_eq!(counted(1000, "person"), "1,000 people");
        assert_eq!(counted(2, "policy"), "2 policies");
    }
}
