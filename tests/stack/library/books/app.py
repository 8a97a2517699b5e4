"""Owns the books."""
import os

import pymysql
from flask import Flask, jsonify, request

app = Flask(__name__)
db = pymysql.connect(os.environ["DATABASE_URL"])


@app.get("/books/<id>")
def get_book(id):
    with db.cursor() as cursor:
        cursor.execute("SELECT * FROM books WHERE id = %s", (id,))
        return jsonify(cursor.fetchone())


@app.post("/books")
def create_book():
    with db.cursor() as cursor:
        cursor.execute("INSERT INTO books (id, title) VALUES (%s, %s)", (request.json["id"], request.json["title"]))
    return "", 201


@app.delete("/books/<id>")
def delete_book(id):
    with db.cursor() as cursor:
        cursor.execute("DELETE FROM books WHERE id = %s", (id,))
    return "", 204
