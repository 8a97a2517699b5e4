"""Asks books for every answer."""
import os

import pymysql
import requests
from flask import Flask, jsonify

app = Flask(__name__)
db = pymysql.connect(os.environ["DATABASE_URL"])
BOOKS = os.environ["BOOKS_URL"]


@app.get("/shown/<id>")
def show(id):
    return jsonify(requests.get(BOOKS + "/books/" + id, timeout=5).json())
