//! Tables by number that cannot be read beside: what is not there is the default, and is not written.

/// The value at a place.
pub(super) fn at<T: Copy + Default>(cells: &[T], place: usize) -> T {
    cells.get(place).copied().unwrap_or_default()
}

/// Sets the value at a place.
pub(super) fn put<T>(cells: &mut [T], place: usize, value: T) {
    if let Some(cell) = cells.get_mut(place) {
        *cell = value;
    }
}

/// The list at a place.
pub(super) fn row<T>(rows: &[Vec<T>], place: usize) -> &[T] {
    rows.get(place).map_or(&[], Vec::as_slice)
}

/// Appends to the list at a place.
pub(super) fn push<T>(rows: &mut [Vec<T>], place: usize, value: T) {
    if let Some(row) = rows.get_mut(place) {
        row.push(value);
    }
}
