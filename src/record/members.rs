//! Takes a JSON object apart, member by member, with the path of whatever is wrong. It knows no document.

use super::canonical::{Json, JsonError, Whole};
use std::collections::BTreeMap;

/// The members of an object while they are taken out one by one; what nobody took is refused at the end.
pub struct Members {
    path: String,
    left: BTreeMap<String, Json>,
}

impl Members {
    /// Opens a value that must be an object; `path` leads its errors.
    pub fn of(json: Json, path: &str) -> Result<Members, JsonError> {
        match json {
            Json::Object(left) => Ok(Members { path: path.to_owned(), left }),
            Json::Null | Json::Flag(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => {
                Err(JsonError::new(path, "is not an object", "write `{…}`"))
            }
        }
    }

    /// The path of a member.
    pub fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Takes a member that may be absent.
    pub fn take(&mut self, name: &str) -> Option<Json> {
        self.left.remove(name)
    }

    /// Takes a member that must be there.
    pub fn required(&mut self, name: &str) -> Result<Json, JsonError> {
        self.take(name).ok_or_else(|| JsonError::new(&self.path(name), "is missing", "add it"))
    }

    /// Takes a text that must be there.
    pub fn text(&mut self, name: &str) -> Result<String, JsonError> {
        let json = self.required(name)?;
        self.read_text(name, json)
    }

    /// Takes a text that may be absent.
    pub fn text_if_any(&mut self, name: &str) -> Result<Option<String>, JsonError> {
        self.take(name).map(|json| self.read_text(name, json)).transpose()
    }

    /// Takes a list of texts that must be there, with at most `count_max` of them.
    pub fn texts(&mut self, name: &str, count_max: usize) -> Result<Vec<String>, JsonError> {
        let list = self.list(name, count_max)?;
        list.into_iter().map(|json| self.read_text(name, json)).collect()
    }

    /// Takes a list that must be there, with at most `count_max` values.
    pub fn list(&mut self, name: &str, count_max: usize) -> Result<Vec<Json>, JsonError> {
        match self.required(name)? {
            Json::List(list) if list.len() <= count_max => Ok(list),
            Json::List(list) => {
                let problem = format!("has {} elements, more than the limit of {count_max}", list.len());
                Err(JsonError::new(&self.path(name), problem, "leave some out"))
            }
            Json::Null | Json::Flag(_) | Json::Number(_) | Json::Text(_) | Json::Object(_) => {
                Err(JsonError::new(&self.path(name), "is not a list", "write `[…]`"))
            }
        }
    }

    /// Takes a number that may be absent.
    pub fn number_if_any(&mut self, name: &str) -> Result<Option<Whole>, JsonError> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Number(number)) => Ok(Some(number)),
            Some(_) => Err(JsonError::new(&self.path(name), "is not a number", "write digits without quotes")),
        }
    }

    /// Refuses members that nobody took, naming the first.
    pub fn end(self) -> Result<(), JsonError> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => Err(JsonError::new(&self.path(name), "is no known name", "leave it out")),
        }
    }

    fn read_text(&self, name: &str, json: Json) -> Result<String, JsonError> {
        match json {
            Json::Text(text) => Ok(text),
            Json::Null | Json::Flag(_) | Json::Number(_) | Json::List(_) | Json::Object(_) => {
                Err(JsonError::new(&self.path(name), "is not text", "write it in double quotes"))
            }
        }
    }
}
